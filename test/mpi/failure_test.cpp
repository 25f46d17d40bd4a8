// SPDX-License-Identifier: MIT
// What goes wrong without a rank that dies (death_test.cpp), under mpirun: doc/failure.md says what
// each of these comes to.
//     failure_test outcomes|groups           returns 0
//     failure_test uncaught|spmd|deadlock    the job ends
//     failure_test signalled NUMBER DIRECTORY    mpirun gets that signal, and passes it on

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <torc/mpi.hpp>
#include <torc/torc.hpp>
#include <unistd.h>
#include <vector>

namespace {

using namespace std::chrono_literals;

void expect(bool right, const char* what) {
  if (!right) {
    std::fprintf(stderr, "rank %d: wrong: %s\n", torc::rank(), what);
    std::_Exit(1);
  }
}

struct converged : std::runtime_error {
  using std::runtime_error::runtime_error;
};
const torc::known_exception<converged> converged_is_known;

/// Whether `f` throws an E.
template <class E, class F>
bool throws(F f) {
  try {
    f();
  } catch (const E&) {
    return true;
  }
  return false;
}

// Tasks, of which some fail.

int fail() { throw converged("on rank " + std::to_string(torc::rank())); }
int join_a_failure() {
  auto child = torc::spawn(fail);
  return 1; // the child's destructor throws
}
int submit_a_failure() {
  static_cast<void>(torc::submit(fail));
  return 1;
}
void add_a_callback_that_fails() {
  torc::submit([] { return 1; }).callback([](torc::future<int>&) { fail(); });
}
void fail_on(int rank) {
  if (torc::rank() == rank) fail();
}

void outcomes() {
  for (int r = 0; r < torc::num_ranks(); ++r) {
    const auto there = torc::on_rank(r);
    for (int (*f)() : {fail, join_a_failure, submit_a_failure}) {
      expect(throws<converged>([=] { torc::submit(there, f).get(); }), "a task fails");
    }
    expect(throws<converged>([=] { torc::submit(there, add_a_callback_that_fails).get(); }),
           "a callback fails");
    expect(throws<converged>([=] { torc::spmd(fail_on, r).get(); }), "a rank fails in an spmd");
  }
}

// Groups, which stop alone.

void compute() {
  while (true) {
    torc::stop_point();
    std::this_thread::sleep_for(100us);
  }
}
int iterate(int point, int step) {
  if (step == 5 + point % 3) throw converged(std::to_string(point));
  return step;
}
/// PyCOMPSs' grid search: the iterations of one point end when they have converged.
int search(int point) {
  try {
    torc::group iterations;
    std::vector<torc::future<int>> all;
    for (int i = 0; i < 30; ++i) {
      all.push_back(torc::submit(iterate, point, i));
    }
    torc::wait(all).get();
  } catch (const converged& e) {
    return e.what() == std::to_string(point) ? point : -1;
  }
  return -2;
}

void groups() {
  {
    const torc::group grid;
    std::vector<torc::future<int>> points;
    for (int p = 0; p < 20; ++p) {
      points.push_back(torc::submit(search, p));
    }
    for (int p = 0; p < 20; ++p) {
      expect(points[static_cast<std::size_t>(p)].get() == p, "a point's own convergence");
    }
  }
  for (int r = 0; r < torc::num_ranks(); ++r) {
    auto running = torc::submit(torc::on_rank(r), compute);
    std::this_thread::sleep_for(10ms);
    auto queued = torc::submit(torc::on_rank(r).pinned(), compute);
    for (auto* const f : {&running, &queued, &running}) {
      f->cancel();
    }
    expect(throws<torc::cancelled>([&] { running.get(); }), "a running task is cancelled");
    expect(throws<torc::cancelled>([&] { queued.get(); }), "a queued task is cancelled");
    expect(throws<torc::timed_out>(
               [=] { torc::submit(torc::on_rank(r).time_limit(20ms), compute).get(); }),
           "a time limit");
  }
  expect(throws<torc::timed_out>([] {
           const torc::group g(50ms);
           for (int q = 0; q < torc::num_workers(); ++q) {
             static_cast<void>(torc::submit(torc::on_worker(q), compute));
           }
         }),
         "a group's deadline");
}

// Tasks that wait for each other.

std::atomic<torc::future<int>*> first{nullptr}; ///< of the task on rank 1
int wait_for_first() {
  while (first == nullptr) {
    std::this_thread::yield();
  }
  return first.load()->get();
}
int ask_rank_0() { return torc::submit(torc::on_rank(0).pinned(), wait_for_first).get(); }
void wait_in_a_circle() {
  auto a = torc::submit(torc::on_rank(1).pinned(), ask_rank_0);
  first = &a;
  a.get();
}

// A rank that fails while the others wait for it.

void meet_but_for(int rank) {
  fail_on(rank);
  torc::communicator().barrier();
}

// Signals.

/// Writes to a file, which is complete only if the destructors run.
void write_until_stopped(std::string directory) {
  struct ending {
    std::ofstream& out;
    ~ending() { out << "ended\n"; }
  };
  std::ofstream out(directory + "/" + std::to_string(torc::rank()));
  const ending e{out};
  out << "begun ";
  compute();
}

void be_signalled(int number, const std::string& directory) {
  for (int r = 1; r < torc::num_ranks(); ++r) {
    static_cast<void>(torc::submit(torc::on_rank(r).pinned(), write_until_stopped, directory));
  }
  for (int r = 1; r < torc::num_ranks(); ++r) {
    while (!std::ifstream(directory + "/" + std::to_string(r))) {
      std::this_thread::sleep_for(1ms);
    }
  }
  ::kill(getppid(), number); // mpirun's
  write_until_stopped(directory);
}

} // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "outcomes") return torc::start(outcomes);
  if (mode == "groups") return torc::start(groups);
  if (mode == "uncaught") return torc::start([] { fail(); });
  if (mode == "spmd") return torc::start([] { torc::spmd(meet_but_for, 1).get(); });
  if (mode == "deadlock") return torc::start(wait_in_a_circle);
  if (mode == "signalled" && argc == 4) {
    return torc::start([&] { be_signalled(std::atoi(argv[2]), argv[3]); });
  }
  return 2;
}
