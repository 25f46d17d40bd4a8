// SPDX-License-Identifier: MIT
// Random programs against their model, in worlds of ranks:
//     soak in_process SECONDS [SEED]      ranks that are threads, with delays and reordering
//     soak deaths SECONDS [SEED]          the same; in one of three worlds a rank dies
//     mpirun ... soak mpi PROGRAMS SEED   with TORC_SURVIVE=1, a rank kills itself at some moment
// From SEED on, one after the other; it is printed when something is wrong. TORC_SEED=n replays
// that one alone.

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <torc/torc.hpp>

#include "../ranks/world.hpp"
#include "../session.hpp"
#include "program.hpp"
#include "run.hpp"

#ifdef TORC_TSAN
/// It does not see how libstdc++'s compiled half counts the references to an exception.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif

namespace {

using namespace std::chrono_literals;
using soak::number;

/// Ends the process, with what it is doing, if something takes far too long.
class deadline {
public:
  deadline(number seed, void (*explain)())
      : thread_([this, seed, explain] {
          std::unique_lock lock(mutex_);
          if (!over_changed_.wait_for(lock, test::sanitized ? 300s : 60s,
                                      [this] { return over_; })) {
            std::fprintf(stderr, "soak: TORC_SEED=%llu does not end\n",
                         static_cast<unsigned long long>(seed));
            explain();
            std::fflush(nullptr);
            std::_Exit(4);
          }
        }) {}
  ~deadline() {
    {
      const std::lock_guard guard(mutex_);
      over_ = true;
    }
    over_changed_.notify_one();
    thread_.join();
  }

private:
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;
  std::thread thread_;
};

bool anything_wrong() { return testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed(); }

/// One to eight ranks on one host or several; with `deaths` one of three worlds loses a rank.
bool in_process(number seed, bool deaths) {
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto draw = [&](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  const int n = 1 + draw(draw(3) == 0 ? 8 : 4);
  test::world w = test::ranks(n);
  const int per_host = 2 + draw(4);
  for (int r = 0; r < n; ++r) {
    w.workers[static_cast<std::size_t>(r)] = 1 + draw(2);
    w.hosts.push_back(r / per_host);
  }
  constexpr unsigned delays[] = {0, 1, 5, 50};
  w.seed = random();
  w.most_delay = delays[draw(4)];
  w.stealing = draw(8) != 0;
  if (deaths && n > 1 && draw(3) == 0) {
    w.victim = 1 + draw(n - 1);
  }
  const std::chrono::microseconds until_death(draw(20'000));
  const deadline d(seed, test::explain_world);
  test::run_world(w, [&] {
    if (w.victim >= 0) {
      const test::death death(until_death);
      soak::run_program(seed);
    } else {
      soak::run_program(seed);
    }
  });
  return !anything_wrong();
}

/// Any but the root kills itself at some moment.
void arm(number seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto victim = 1 + random() % static_cast<unsigned>(torc::num_ranks() - 1);
  const std::chrono::milliseconds delay(random() % 1000);
  if (static_cast<unsigned>(torc::rank()) == victim) {
    std::thread([delay] {
      std::this_thread::sleep_for(delay);
      std::raise(SIGKILL);
    }).detach();
  }
}

int over_mpi(number first, number programs) {
  const char* const survive = std::getenv("TORC_SURVIVE");
  if (survive != nullptr && *survive == '1' && torc::num_ranks() > 1) {
    torc::spmd(arm, first).get();
  }
  for (number seed = first; seed < first + programs; ++seed) {
    const deadline d(seed, [] {
      std::raise(SIGUSR1);
      std::this_thread::sleep_for(3s);
    });
    soak::run_program(seed);
  }
  std::printf("soak: %llu programs agree\n", static_cast<unsigned long long>(programs));
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[1] : "";
  number many = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  number first = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  const char* const replayed = std::getenv("TORC_SEED");
  if (replayed != nullptr) {
    first = std::strtoull(replayed, nullptr, 10);
    many = 1;
    unsetenv("TORC_SEED"); // which would be torc's own
  }
  if (mode == "mpi") {
    return torc::start([=] { return over_mpi(first, many); });
  }
  if (mode != "in_process" && mode != "deaths") {
    std::fprintf(stderr, "usage: soak in_process|deaths SECONDS [SEED] | soak mpi PROGRAMS SEED\n");
    return 2;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(many);
  number seed = first;
  do {
    if (!in_process(seed, mode == "deaths")) {
      std::fprintf(stderr, "soak: TORC_SEED=%llu\n", static_cast<unsigned long long>(seed));
      return 1;
    }
    ++seed;
  } while (replayed == nullptr && std::chrono::steady_clock::now() < end);
  std::printf("soak: %llu programs agree\n", static_cast<unsigned long long>(seed - first));
  return 0;
}
