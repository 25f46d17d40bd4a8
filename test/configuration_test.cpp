// SPDX-License-Identifier: MIT
// The TORC_* variables. A wrong one ends the program, so each of these programs is a process.

#include <gtest/gtest.h>
#include <sched.h>
#include <string>

#include "session.hpp"

namespace {

using test::environment;
using testing::ExitedWithCode;

struct wrong_variable {
  const char* name;
  const char* value;
  const char* allowed;
};

std::string title(const testing::TestParamInfo<wrong_variable>& info) {
  return std::string(info.param.name) + "_" + std::to_string(info.index);
}

class wrong : public testing::TestWithParam<wrong_variable> {};

TEST_P(wrong, ends_the_program_with_one_line_and_exit_code_2) {
  const auto [name, value, allowed] = GetParam();
  const environment e(name, value);
  // One line that names the variable, its value and what is allowed.
  const std::string line =
      std::string("^torc: ") + name + "=" + value + " [^\n]*" + allowed + "[^\n]*\n$";
  EXPECT_EXIT(torc::init(), ExitedWithCode(2), line);
  EXPECT_EXIT(torc::start([] {}), ExitedWithCode(2), line);
}

INSTANTIATE_TEST_SUITE_P(
    configuration, wrong,
    testing::Values(wrong_variable{"TORC_WORKERS", "0", "1 to 1024"},
                    wrong_variable{"TORC_WORKERS", "-1", "1 to 1024"},
                    wrong_variable{"TORC_WORKERS", "1025", "1 to 1024"},
                    wrong_variable{"TORC_WORKERS", "99999999999999999999", "1 to 1024"},
                    wrong_variable{"TORC_WORKERS", "two", "1 to 1024"},
                    wrong_variable{"TORC_WORKERS", "2x", "1 to 1024"},
                    wrong_variable{"TORC_WORKERS", " 2", "1 to 1024"},
                    wrong_variable{"TORC_STACK_SIZE", "0", "16K to 16G"},
                    wrong_variable{"TORC_STACK_SIZE", "15K", "16K to 16G"},
                    wrong_variable{"TORC_STACK_SIZE", "17G", "16K to 16G"},
                    wrong_variable{"TORC_STACK_SIZE", "64", "16K to 16G"},
                    wrong_variable{"TORC_STACK_SIZE", "64Q", "16K to 16G"},
                    wrong_variable{"TORC_STACK_SIZE", "M", "16K to 16G"},
                    wrong_variable{"TORC_STACK_SIZE", "-1M", "16K to 16G"},
                    wrong_variable{"TORC_STACK_SIZE", "18446744073709551615G", "16K to 16G"},
                    wrong_variable{"TORC_BIND", "cores", "none or core"},
                    wrong_variable{"TORC_BIND", "1", "none or core"},
                    wrong_variable{"TORC_STATS", "yes", "0 or 1"},
                    wrong_variable{"TORC_STATS", "2", "0 or 1"},
                    wrong_variable{"TORC_IDLE_SPIN", "-1", "0 to 1000000000"},
                    wrong_variable{"TORC_IDLE_SPIN", "1000000001", "0 to 1000000000"},
                    wrong_variable{"TORC_IDLE_SPIN", "10us", "0 to 1000000000"},
                    wrong_variable{"TORC_SURVIVE", "yes", "0 or 1"},
                    wrong_variable{"TORC_STALL_TIMEOUT", "1.5", "0 to 1000000"},
                    wrong_variable{"TORC_STALL_TIMEOUT", "1000001", "0 to 1000000"},
                    wrong_variable{"TORC_SEED", "x", "a number"},
                    wrong_variable{"TORC_SEED", "-1", "a number"}),
    title);

TEST(configuration, workers) {
  for (const int n : {1, 2, 3, 17}) {
    const environment e("TORC_WORKERS", std::to_string(n).c_str());
    torc::start([n] { EXPECT_EQ(torc::num_workers(), n); });
  }
}

TEST(configuration, workers_are_as_many_as_the_cores_this_process_may_use) {
  const environment e("TORC_WORKERS", nullptr);
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  const int cores = CPU_COUNT(&mask);
  torc::start([cores] {
    EXPECT_GE(torc::num_workers(), 1);
    EXPECT_LE(torc::num_workers(), cores); // fewer if the CPU quota of the cgroup says so
  });
}

[[noreturn]] void exit_with_the_workers_of_one_core() {
  cpu_set_t mask;
  sched_getaffinity(0, sizeof mask, &mask);
  std::size_t core = 0;
  while (!CPU_ISSET(core, &mask)) {
    ++core;
  }
  CPU_ZERO(&mask);
  CPU_SET(core, &mask);
  sched_setaffinity(0, sizeof mask, &mask);
  std::exit(10 + torc::start([] { return torc::num_workers(); }));
}

TEST(configuration, the_affinity_mask_limits_the_workers) {
  const environment e("TORC_WORKERS", nullptr);
  EXPECT_EXIT(exit_with_the_workers_of_one_core(), ExitedWithCode(11), "");
}

TEST(configuration, stack_size_with_every_unit) {
  for (const char* size : {"65536", "256K", "256k", "1M", "2m", "1G", "1g"}) {
    const environment e("TORC_STACK_SIZE", size);
    EXPECT_EQ(torc::start([] { return torc::submit([] { return 4; }).get(); }), 4) << size;
  }
}

TEST(configuration, bind_to_cores) {
  for (const char* bind : {"none", "core"}) {
    const environment e("TORC_BIND", bind);
    EXPECT_EXIT(std::exit(torc::start([] {
                  cpu_set_t mask;
                  sched_getaffinity(0, sizeof mask, &mask);
                  return std::getenv("TORC_BIND") == std::string("core") ? CPU_COUNT(&mask) : 1;
                })),
                ExitedWithCode(1), "");
  }
}

[[noreturn]] void exit_with_1_if_the_cores_are_back() {
  cpu_set_t before, after;
  sched_getaffinity(0, sizeof before, &before);
  const int workers = torc::start([] { return torc::num_workers(); });
  sched_getaffinity(0, sizeof after, &after);
  std::exit(CPU_EQUAL(&before, &after) && torc::start([] { return torc::num_workers(); }) == workers
                ? 1
                : 2);
}

TEST(configuration, the_caller_is_bound_only_while_the_session_lasts) {
  const environment e("TORC_BIND", "core");
  const environment w("TORC_WORKERS", nullptr);
  EXPECT_EXIT(exit_with_1_if_the_cores_are_back(), ExitedWithCode(1), "");
}

TEST(configuration, statistics_are_printed_if_asked_for) {
  for (const char* statistics : {"0", "1"}) {
    const environment e("TORC_STATS", statistics);
    testing::internal::CaptureStderr();
    torc::start([] { torc::submit([] {}).get(); });
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(text.empty(), statistics[0] == '0') << text;
  }
}

TEST(configuration, is_read_by_every_session) {
  for (const char* workers : {"3", "1", "2"}) {
    const environment e("TORC_WORKERS", workers);
    EXPECT_EQ(torc::start([] { return torc::num_workers(); }), workers[0] - '0');
  }
}

TEST(seed, gives_the_same_results_as_any_schedule) {
  for (int seed = 0; seed < 20; ++seed) {
    const environment e("TORC_SEED", std::to_string(seed).c_str());
    test::run(3, [] {
      struct tree {
        static int leaves(int depth) {
          if (depth == 0) {
            return 1;
          }
          auto a = torc::spawn(&leaves, depth - 1);
          const int b = leaves(depth - 1);
          return a.get() + b;
        }
      };
      EXPECT_EQ(tree::leaves(8), 256);
    });
  }
}

/// The workers that run the tasks, in the order in which they begin.
std::string schedule(const char* seed) {
  const environment e("TORC_SEED", seed);
  std::string order;
  test::run(4, [&order] {
    struct tree {
      static void visit(std::string& out, int depth) {
        out += static_cast<char>('0' + torc::worker());
        if (depth > 0) {
          auto a = torc::spawn(&visit, std::ref(out), depth - 1);
          visit(out, depth - 1);
          a.get();
        }
      }
    };
    tree::visit(order, 7);
  });
  return order;
}

TEST(seed, replays_a_schedule) {
  const std::string first = schedule("7");
  EXPECT_EQ(first.size(), 255u);
  EXPECT_EQ(schedule("7"), first);
  EXPECT_EQ(schedule("7"), first);
  EXPECT_NE(schedule("8"), first);
}

} // namespace
