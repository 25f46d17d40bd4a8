// SPDX-License-Identifier: MIT
// What goes wrong without a rank that dies (death_test.cpp), under mpirun: doc/failure.md says what
// each of these comes to.
//     failure_test outcomes|groups|explained    returns 0
//     failure_test uncaught|spmd|deadlock    the job ends
//     failure_test signalled NUMBER DIRECTORY    mpirun gets that signal, and passes it on

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <torc/mpi.hpp>
#include <torc/torc.hpp>
#include <unistd.h>
#include <vector>

#include "../ranks/failing.hpp"

namespace {

using namespace std::chrono_literals;
using test::converged;

void expect(bool right, const char* what) {
  if (!right) {
    std::fprintf(stderr, "rank %d: wrong: %s\n", torc::rank(), what);
    std::_Exit(1);
  }
}

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
void groups() {
  expect(test::search_grid(20) == 20, "a point's own convergence");
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

/// What this process writes to stderr while this lives is in a file.
class captured_stderr {
public:
  captured_stderr() { ::dup2(::fileno(file_), STDERR_FILENO); }
  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;
  ~captured_stderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    std::fclose(file_);
  }
  std::string text() const {
    std::string all(10'000, '\0');
    const auto n = ::pread(::fileno(file_), all.data(), all.size(), 0);
    all.resize(static_cast<std::size_t>(std::max<long>(n, 0)));
    return all;
  }

private:
  const int before_ = ::dup(STDERR_FILENO);
  std::FILE* const file_ = std::tmpfile();
};

/// Runs until its rank has said that it does.
void be_explained(int) {
  std::string text;
  {
    const captured_stderr said;
    for (const auto begin = std::chrono::steady_clock::now();
         text.find("be_explained") == std::string::npos &&
         std::chrono::steady_clock::now() - begin < 20s;) {
      std::this_thread::sleep_for(1ms);
      text = said.text();
    }
  }
  const std::string begin = "torc: rank " + std::to_string(torc::rank()) + " on ";
  expect(text.find(begin) != std::string::npos &&
             text.find("worker 1 runs (anonymous namespace)::be_explained(int)") !=
                 std::string::npos,
         "the report of a rank");
}

/// mpirun gets the signal again and again, as nobody knows when a rank has begun to listen.
void explained() {
  std::vector<torc::future<void>> all;
  for (int r = 0; r < torc::num_ranks(); ++r) {
    all.push_back(torc::submit(torc::on_worker(2 * r + 1).pinned(), torc::bind(be_explained, r)));
  }
  while (!torc::wait_for(50ms, all).get()) {
    ::kill(getppid(), SIGUSR1);
  }
  torc::wait(all).get();
}

} // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "outcomes") return torc::start(outcomes);
  if (mode == "groups") return torc::start(groups);
  if (mode == "explained") return torc::start(explained);
  if (mode == "uncaught") {
    return torc::start([] { torc::submit(torc::on_rank(2).pinned(), fail).get(); });
  }
  if (mode == "spmd") return torc::start([] { torc::spmd(meet_but_for, 1).get(); });
  if (mode == "deadlock") return torc::start(test::wait_in_a_circle);
  if (mode == "signalled" && argc == 4) {
    return torc::start([&] { be_signalled(std::atoi(argv[2]), argv[3]); });
  }
  return 2;
}
