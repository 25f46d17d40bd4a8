# SPDX-License-Identifier: MIT
# cmake -DSIMULATE=program -DMACHINE=machine.txt -P simulate.cmake: what the program of the simulated
# figures prints is the same for the same seed, another for another one, and makes sense.

# simulate(out name=value...): without what it took to simulate it.
function(simulate result)
  execute_process(COMMAND ${SIMULATE} ${MACHINE} ranks=64 per_host=16 json=1 ${ARGN}
                  OUTPUT_VARIABLE out COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "\"cpu_s\"[^,]*, \"memory_mb\"[^,]*, " "" out "${out}")
  set(${result} "${out}" PARENT_SCOPE)
endfunction()

foreach(what "uts tree=T1" "fib n=40" "population cost=lognormal" "population spread=cyclic")
  string(REPLACE " " ";" problem "problem=${what}")
  simulate(first seed=1 ${problem})
  simulate(again seed=1 ${problem})
  simulate(other seed=2 ${problem})
  if(NOT first STREQUAL again OR first STREQUAL other)
    message(FATAL_ERROR "${what}:\n${first}${again}${other}")
  endif()
  foreach(name efficiency requests messages tasks)
    string(JSON ${name} GET "${first}" ${name})
  endforeach()
  if(efficiency LESS 0.5 OR efficiency GREATER 1 OR requests LESS 1 OR messages LESS requests)
    message(FATAL_ERROR "${what}: ${first}")
  endif()
  if(what MATCHES "population" AND (tasks LESS 1281 OR tasks GREATER 1282)) # 20 a rank and the master
    message(FATAL_ERROR "${what}: ${first}")
  endif()
endforeach()

# simulate_wrong(text name=value...): is refused with that text.
function(simulate_wrong text)
  execute_process(COMMAND ${SIMULATE} ${ARGN} ERROR_VARIABLE error RESULT_VARIABLE code)
  if(code EQUAL 0 OR NOT error MATCHES "${text}")
    message(FATAL_ERROR "${ARGN}: exit code ${code}, ${error}")
  endif()
endfunction()
simulate_wrong("problem=none: not one of uts" problem=none)
simulate_wrong("no parameter trees" problem=uts trees=T1)
simulate_wrong("rank 3 is lost, which ends the job" problem=fib n=40 dies=3 dies_at=1000)
