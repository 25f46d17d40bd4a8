// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <torc/task.hpp>
#include <type_traits>
#include <utility>

// A program that is built with AddressSanitizer or ThreadSanitizer needs a library that is, too
// (TORC_SANITIZE), as that has to tell it of fibers. With another it does not link.
#if defined(TORC_ASAN)
extern "C" const char torc_is_built_without_TORC_SANITIZE_address;
namespace torc::detail {
[[gnu::used]] inline const char* const needs_sanitizer =
    &torc_is_built_without_TORC_SANITIZE_address;
}
#elif defined(TORC_TSAN)
extern "C" const char torc_is_built_without_TORC_SANITIZE_thread;
namespace torc::detail {
[[gnu::used]] inline const char* const needs_sanitizer =
    &torc_is_built_without_TORC_SANITIZE_thread;
}
#endif

namespace torc {

/// Reads the TORC_* environment and starts the workers; the calling thread becomes worker 0 and
/// waits for `launch`. A wrong variable ends the program with one line and exit code 2. Throws
/// std::logic_error if a runtime is up. Under mpirun or the like all ranks must call it, as well as
/// `launch` and `shutdown`; between these calls each goes its own way.
void init();

/// Ends the session `init` began: waits for submitted tasks, stops and joins the workers, prints
/// the statistics if TORC_STATS asks for them. On the thread that called `init`. Afterwards a new
/// session may begin. Without a session it does nothing. On another thread, or in a task,
/// std::logic_error.
void shutdown();

/// The number of workers of all ranks, 1 without a session.
int num_workers() noexcept;

/// The number, among all, of the worker that runs the calling task, -1 on other threads. It may
/// change whenever the task waits.
int worker() noexcept;

/// The workers of this rank, and which of them, from 0, runs the calling task; -1 on other threads.
int num_local_workers() noexcept;
int local_worker() noexcept;

/// The number of ranks: processes that run this program together, started by mpirun or the like; 1
/// for one started by itself.
int num_ranks() noexcept;

/// The number of this rank, 0 to num_ranks() - 1. The primary task runs on rank 0.
int rank() noexcept;

/// Allow, as at first unless TORC_STEALING=0, or forbid ranks to take tasks from each other. Waits
/// until all ranks know. Within a rank workers go on to steal from each other.
void enable_stealing();
void disable_stealing();

/// Seconds since an arbitrary moment, monotonic.
double wtime() noexcept;

namespace detail {
using primary_function = std::function<int()>;
int launch_primary(const primary_function& primary);

/// Runs `app`, in any of the accepted forms, and gives the exit code.
template <class App, class... Args>
int run_app(App& app, Args... args) {
  if constexpr (std::is_invocable_v<App&, Args...>) {
    using R = std::invoke_result_t<App&, Args...>;
    if constexpr (std::is_same_v<R, task<int>>) {
      return app(args...).get();
    } else if constexpr (std::is_same_v<R, task<void>>) {
      app(args...).get();
      return 0;
    } else if constexpr (std::is_void_v<R>) {
      app(args...);
      return 0;
    } else {
      static_assert(std::is_convertible_v<R, int>,
                    "torc: the application must return int, void, task<int> or task<>");
      return app(args...);
    }
  } else {
    return run_app(app);
  }
}
} // namespace detail

/// Runs `app` as the primary task, on worker 0, and gives its result. `app` is a plain function
/// or a coroutine function and returns int, void, task<int> or task<>. An exception of it passes
/// to the caller. Between `init` and `shutdown`, any number of times. On ranks other than 0 `app`
/// is not called: they run tasks of the others until it has ended, and get its result too, or 1 if
/// it has thrown. After SIGTERM, SIGINT or SIGUSR2 it is stopped, and if it has not ended well all
/// the same the result is 128 and the signal's number. Throws std::logic_error without `init`, on
/// another thread, or in a task.
template <class App>
requires(!std::is_null_pointer_v<App>) int launch(App app) {
  return detail::launch_primary([&app] { return detail::run_app(app); });
}

/// The calling function itself becomes the primary task, until `shutdown`: for programs that do
/// something else first. Its stack is the thread's own. On ranks other than 0 it does not return:
/// they run tasks of the others until rank 0 shuts down, and then end the process: with exit code
/// 0, so that mpirun's is rank 0's; or 1 if an exception passes through that function meanwhile. So
/// with several ranks there is no session after this one: std::logic_error.
void launch(std::nullptr_t);

/// A session as an object: `init` where it is made, `shutdown` at the end of its scope.
///
///     int main() {
///       torc::runtime session;          // all ranks
///       read_configuration();           // likewise
///       session.launch();               // from here on rank 0 alone, as the primary task
///       use(torc::map(f, xs).get());
///     }
///
/// If its scope ends by an exception, the other ranks end with exit code 1. Not for global objects:
/// it must end before `main` has.
class runtime {
public:
  [[nodiscard("the session ends with this object: give it a name")]] runtime() { init(); }
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  ~runtime() { shutdown(); }

  /// `torc::launch(nullptr)`.
  void launch() { torc::launch(nullptr); }
  /// `torc::launch(app)`.
  template <class App>
  int launch(App app) {
    return torc::launch(std::move(app));
  }
};

/// init, launch and shutdown in one. `app` may take `(argc, argv)`. Returns its exit code, on all
/// ranks; an exception of `app` passes to the caller after the shutdown.
template <class App>
int start(int argc, char** argv, App app) {
  const runtime session;
  return detail::launch_primary([&] { return detail::run_app(app, argc, argv); });
}
template <class App>
int start(App app) {
  const runtime session;
  return launch(std::move(app));
}

} // namespace torc
