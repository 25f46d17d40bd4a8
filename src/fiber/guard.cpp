// SPDX-License-Identifier: MIT

// A stack overflow in a task runs into its fiber's guard. Say so, instead of a bare signal.
// And tell the ranks of what signal this one dies.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <ucontext.h>
#include <unistd.h>

#include "fiber/fiber.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {

#if defined(TORC_ASAN) || defined(TORC_TSAN)
void guard_stacks() {} // the sanitizers have handlers of their own
#else

namespace {

/// What ends a process at once, and what the program had to say about it.
struct fatal_signal {
  int number;
  const char* name;
  struct sigaction previous;
};
fatal_signal fatal_signals[] = {{SIGSEGV, "SIGSEGV", {}},
                                {SIGABRT, "SIGABRT", {}},
                                {SIGBUS, "SIGBUS", {}},
                                {SIGFPE, "SIGFPE", {}},
                                {SIGILL, "SIGILL", {}}};

void tell_ranks(const char* signal) noexcept {
  const scheduler* const s = current_scheduler();
  if (s != nullptr && s->outer != nullptr) {
    s->outer->dying(signal);
  }
}

[[noreturn]] void die(const char* text, int length) {
  static_cast<void>(!write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
  tell_ranks("a stack overflow");
  _exit(139);
}

/// Ends the program if `address` is beyond the stack that is in use.
void check_overflow(const char* address, [[maybe_unused]] const void* context) {
  const fiber* f = this_fiber();
  if (f != nullptr && f->mapping != nullptr) {
    if (address < f->native_stack && address >= f->mapping) {
      char text[160];
      die(text, std::snprintf(text, sizeof text,
                              "torc: stack overflow in a task on worker %d: its stack has %zu KiB; "
                              "set TORC_STACK_SIZE to more\n",
                              this_worker()->id, f->stack_size / 1024));
    }
  }
#if defined(__x86_64__)
  else if (f != nullptr) {
    const auto* top = reinterpret_cast<const char*>(
        static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RSP]);
    if (address < top + guard_size && address > top - guard_size) {
      constexpr char text[] =
          "torc: stack overflow on the thread's own stack, which torc::launch(nullptr) uses: raise "
          "`ulimit -s`, or hand a function to torc::launch\n";
      die(text, sizeof text - 1);
    }
  }
#endif
}

void on_fatal(int number, siginfo_t* info, void* context) {
  if (number == SIGSEGV) {
    check_overflow(static_cast<const char*>(info->si_addr), context);
  }
  const fatal_signal& signal =
      *std::find_if(std::begin(fatal_signals), std::end(fatal_signals),
                    [=](const fatal_signal& s) { return s.number == number; });
  const struct sigaction& previous = signal.previous;
  const bool informed = (previous.sa_flags & SA_SIGINFO) != 0;
  const bool handled = informed ? previous.sa_sigaction != nullptr
                                : previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN;
  if (!handled || (previous.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    tell_ranks(signal.name);
    std::signal(number, SIG_DFL);
  }
  if (handled && informed) {
    previous.sa_sigaction(number, info, context);
  } else if (handled) {
    previous.sa_handler(number);
  } else if (info->si_code <= 0) {
    std::raise(number); // sent by somebody; otherwise what went wrong is repeated
  }
}

/// A stack for the handler, while the thread lives.
struct signal_stack {
  static constexpr std::size_t size = 256 * 1024; // names of functions are looked for on it
  std::unique_ptr<char[]> memory = std::make_unique_for_overwrite<char[]>(size);
  signal_stack() {
    stack_t s{};
    s.ss_sp = memory.get();
    s.ss_size = size;
    sigaltstack(&s, nullptr);
  }
  signal_stack(const signal_stack&) = delete;
  signal_stack& operator=(const signal_stack&) = delete;
  ~signal_stack() {
    stack_t s{};
    s.ss_flags = SS_DISABLE;
    sigaltstack(&s, nullptr);
  }
};

} // namespace

void guard_stacks() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = &on_fatal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (fatal_signal& s : fatal_signals) {
      sigaction(s.number, &action, &s.previous);
    }
  });
  thread_local signal_stack stack;
}
#endif

} // namespace torc::detail
