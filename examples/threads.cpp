// SPDX-License-Identifier: MIT

// Threads of the program's own submit tasks and get their results. They are no workers: `get`
// blocks them, as a std::future would.
//
//     threads

#include <cstdio>
#include <latch>
#include <numeric>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace {

constexpr int clients = 4, requests = 1000;

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

/// Says by `sent` that it will submit nothing more.
void client(std::latch& sent, long& sum) {
  std::vector<torc::future<long>> answers;
  for (int i = 0; i < requests; ++i) {
    answers.push_back(torc::submit(fib, i % 20));
  }
  sent.count_down();
  for (auto& a : answers)
    sum += a.get();
}

} // namespace

int main() {
  torc::init(); // this thread is worker 0: while it blocks, others must do its work

  std::latch sent(clients);
  std::vector<long> sums(clients);
  std::vector<std::thread> threads;
  for (long& sum : sums) {
    threads.emplace_back(client, std::ref(sent), std::ref(sum));
  }
  sent.wait();      // short, since submit waits for nobody
  torc::shutdown(); // runs all that has been submitted; futures stay valid
  for (auto& t : threads)
    t.join();

  const long sum = std::accumulate(sums.begin(), sums.end(), 0L);
  const long expected = clients * (requests / 20) * 10'945L; // fib(0) + ... + fib(19)
  std::printf("%d clients, %d requests each: sum %ld, %s\n", clients, requests, sum,
              sum == expected ? "right" : "WRONG");
  return sum == expected ? 0 : 1;
}
