// SPDX-License-Identifier: MIT
#pragma once

#include "model.hpp"
#include <cstddef>
#include <string>
#include <vector>

namespace torc::detail {
struct front;
}

namespace model {

/// Whether threads other than the first may be asleep at the end.
enum class sleepers : bool { no, yes };

/// A small program that is to be executed in every possible way.
struct scenario {
  const char* name;
  const char* about;
  void (*setup)(); ///< makes the initial state
  std::vector<void (*)()> threads;
  const char* (*check)(); ///< what is wrong with the final state, or null
  sleepers at_end;
  void (*forget)(); ///< resets what nobody reads, before states are compared
};

struct result {
  std::size_t states = 0;
  std::size_t steps = 0;
  std::size_t final_states = 0;
  std::size_t cycles = 0;
  std::size_t restarts = 0; ///< because memory turned out to be shared
  double executions = 0;
  bool complete = true;
  std::string error;   ///< empty, or what went wrong
  std::string choices; ///< ... and how to get there
};

/// Do not skip steps that no other thread can notice: slower, to check that it makes no difference.
extern bool all_steps;

result explore(const scenario& s, std::size_t max_states);
/// Executes one way and prints each step.
void replay(const scenario& s, const std::string& choices);

/// While set up: what a simulated thread begins with; ...
void set_front(std::size_t thread, torc::detail::front* f, void** native_context);
/// ... a stack that simulated threads run on; `context` points to the saved context
/// while it is suspended.
void add_stack(char* low, char* high, void** context);
/// An object that is dead while its first word is `dead`.
void add_mortal(const void* object, std::size_t size);
inline constexpr unsigned char dead_byte = 0xdd;
/// Memory that neither changes nor matters.
void add_constant(const void* begin, const void* end);
void add_name(const void* address, const std::string& name);

/// Ends the life of a mortal object.
void end_life(void* object) noexcept;
/// Resumes when the word is not zero.
void await(const void* word) noexcept;

/// What the caller's thread did last, and a number for its clock.
bool last_was_update() noexcept;
unsigned& thread_clock() noexcept;
/// System calls.
void full_barrier() noexcept;
void futex_wait(const std::uint32_t* word, std::uint32_t value) noexcept;
void futex_wake(const std::uint32_t* word) noexcept;

} // namespace model
