// SPDX-License-Identifier: MIT

// A stack overflow in a task runs into its fiber's guard page. Say so, instead of a bare signal.

#include <csignal>
#include <cstdio>
#include <cstring>
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

struct sigaction previous;

[[noreturn]] void die(const char* text, int length) {
  static_cast<void>(!write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
  _exit(139);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  constexpr std::ptrdiff_t large_frame = 65536; // may reach beyond the guard page
  const auto* address = static_cast<const char*>(info->si_addr);
  const fiber* f = this_fiber();
  if (f != nullptr && f->mapping != nullptr) {
    if (address < f->native_stack && address >= f->mapping - large_frame) {
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
    if (address < top + large_frame && address > top - large_frame) {
      constexpr char text[] =
          "torc: stack overflow on the thread's own stack, which torc::launch(nullptr) uses: raise "
          "`ulimit -s`, or hand a function to torc::launch\n";
      die(text, sizeof text - 1);
    }
  }
#endif
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    std::signal(signal, SIG_DFL); // the access is repeated, and ends the process
  }
}

/// A stack for the handler, while the thread lives.
struct signal_stack {
  static constexpr std::size_t size = 64 * 1024;
  std::unique_ptr<char[]> memory = std::make_unique<char[]>(size);
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
    action.sa_sigaction = &on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &previous);
  });
  thread_local signal_stack stack;
}
#endif

} // namespace torc::detail
