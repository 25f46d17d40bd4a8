// SPDX-License-Identifier: MIT
// Ranks that die, each in its way: the job ends, or goes on without them (TORC_SURVIVE).
//     death_test killed|aborted|terminated|overflown|lost_its_way    rank 1 dies in a task
//     death_test survived SEED                                  any but rank 0 is killed, some time

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <thread>
#include <torc/torc.hpp>

#include "../ranks/programs.hpp"

namespace {

[[gnu::noinline]] int overflow(int n) {
  volatile char local[1000] = {};
  local[0] = static_cast<char>(n);
  return n <= 0 ? 0 : overflow(n - 1) + local[0];
}

/// What the line about the death should name.
int deadly_task(std::string how) {
  if (torc::rank() != 1) return 0;
  if (how == "killed") std::raise(SIGKILL);
  if (how == "aborted") std::abort();
  if (how == "terminated") std::terminate();
  if (how == "overflown") return overflow(10'000'000);
  static volatile const int* volatile nowhere = nullptr;
  return *nowhere;
}

int die(const std::string& how) {
  torc::disable_stealing(); // rank 1 is to have nothing else to do
  auto deadly = torc::submit(torc::on_rank(1).pinned(), deadly_task, how);
  torc::submit(torc::on_rank(0), test::fib, 60).get(); // nobody waits for that long
  return deadly.get();
}

/// Kills itself after up to a second and a half.
void arm(unsigned seed) {
  std::mt19937 random(seed);
  const int victim = 1 + static_cast<int>(random() % static_cast<unsigned>(torc::num_ranks() - 1));
  const std::chrono::milliseconds delay(random() % 1500);
  if (torc::rank() == victim) {
    std::thread([delay] {
      std::this_thread::sleep_for(delay);
      std::raise(SIGKILL);
    }).detach();
  }
}

long fib_of(int n) { return test::fib(n); }

/// Spawned, submitted and mapped tasks, until the death has come and somewhat longer.
int survive(unsigned seed) {
  torc::spmd(arm, seed).get();
  const uts::tree& t = uts::trees[0];
  const double begin = torc::wtime();
  while (torc::wtime() - begin < 2.5) {
    std::vector<torc::future<long>> sent;
    for (int n = 0; n < 20; ++n) {
      const auto where = torc::on_rank(n % torc::num_ranks());
      sent.push_back(torc::submit(n % 3 == 0 ? where.pinned() : where, fib_of, 10 + n));
    }
    const uts::counts found = test::search(0, uts::root(t));
    const std::vector<long> mapped = torc::map(fib_of, std::vector<int>(50, 15)).get();
    long sum = 0;
    for (auto& f : sent) {
      sum += f.get();
    }
    if (!(found == t.published) || mapped != std::vector<long>(50, 610) || sum != 1'346'180) {
      std::printf("wrong: %ld\n", sum);
      return 1;
    }
  }
  std::printf("all is right\n");
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  const auto seed = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 1);
  return torc::start([&] { return how == "survived" ? survive(seed) : die(how); });
}
