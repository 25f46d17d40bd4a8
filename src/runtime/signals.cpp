// SPDX-License-Identifier: MIT
#include "runtime/signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace torc::detail {
namespace {

struct heard_signal {
  int number;
  struct sigaction previous;
  bool ours; ///< nobody else wants it
};
heard_signal heard_signals[] = {
    {SIGUSR1, {}, false}, {SIGUSR2, {}, false}, {SIGINT, {}, false}, {SIGTERM, {}, false}};

std::atomic<int> to_watch{-1};      ///< where handlers write
std::atomic<long> first_stop_ms{0}; ///< when the first one came that asks to stop; 0: none has

/// Batch systems send a signal to the job and to each of its steps.
constexpr long same_signal_ms = 500;

long now_ms() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

void on_signal(int number) {
  const int error = errno;
  if (number != SIGUSR1) {
    long first = 0;
    const long now = now_ms();
    if (!first_stop_ms.compare_exchange_strong(first, now) && now - first > same_signal_ms) {
      std::signal(number, SIG_DFL);
      std::raise(number);
      return;
    }
    if (first != 0) {
      return;
    }
  }
  const char what = static_cast<char>(number);
  static_cast<void>(!write(to_watch.load(), &what, 1));
  errno = error;
}

} // namespace

signal_watch::signal_watch(std::function<void(int)> heard, int period) : heard_(std::move(heard)) {
  if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "torc: pipe2");
  }
  to_watch.store(pipe_[1]);
  first_stop_ms.store(0);
  thread_ = std::thread([this, period] {
    for (;;) {
      pollfd p{.fd = pipe_[0], .events = POLLIN, .revents = 0};
      char what = 0;
      if (poll(&p, 1, period) == 0) {
        heard_(0);
      } else if (read(pipe_[0], &what, 1) == 1) {
        if (what == 0) {
          return;
        }
        heard_(what);
      }
    }
  });
  struct sigaction action {};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (heard_signal& s : heard_signals) {
    sigaction(s.number, nullptr, &s.previous);
    s.ours = (s.previous.sa_flags & SA_SIGINFO) == 0 && s.previous.sa_handler == SIG_DFL;
    if (s.ours) {
      sigaction(s.number, &action, nullptr);
    }
  }
}

signal_watch::~signal_watch() {
  for (const heard_signal& s : heard_signals) {
    if (s.ours) {
      sigaction(s.number, &s.previous, nullptr);
    }
  }
  const char end = 0;
  static_cast<void>(!write(pipe_[1], &end, 1));
  thread_.join();
  to_watch.store(-1);
  close(pipe_[0]);
  close(pipe_[1]);
}

} // namespace torc::detail
