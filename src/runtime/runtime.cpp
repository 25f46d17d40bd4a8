// SPDX-License-Identifier: MIT
#include <torc/runtime.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>
#include <torc/group.hpp>
#include <utility>

#include "runtime/session.hpp"
#include "runtime/signals.hpp"
#include "transport/in_process.hpp"
#include "transport/mpi.hpp"

#if defined(TORC_ASAN)
const char torc_is_built_without_TORC_SANITIZE_address = 0;
#elif defined(TORC_TSAN)
const char torc_is_built_without_TORC_SANITIZE_thread = 0;
#endif

namespace torc {
namespace detail {
namespace {

std::atomic<session*> current{nullptr}; // nobody's at exit: the workers may be running then
std::atomic<int> users{0};              ///< see `session_use`
signal_watch* watch = nullptr;
bool open_launch = false;     ///< launch(nullptr) has made the calling function the primary task
bool others_are_gone = false; ///< ... in a session of several ranks: the others end with it

/// Of threads that are no workers: of whom they are helpers, if any.
constinit thread_local scheduler* helped = nullptr;

/// Calls of `launch` and `shutdown` belong on the stack that `init` was called on.
void need_initial_stack(const char* message) {
  const worker* w = this_worker();
  if (w == nullptr || w->id != 0 || w->own.running != w->native) {
    throw std::logic_error(message);
  }
}

/// To the other ranks; null without any. With TORC_ROUND_TRIP to oneself at least.
std::unique_ptr<transport> connect(const configuration& c) {
#if TORC_HAS_MPI
  if (under_mpi_launcher()) {
    auto t = make_mpi_transport();
    if (c.seed && t->size() > 1) {
      if (t->rank() == 0) {
        std::fprintf(stderr,
                     "torc: TORC_SEED replays the schedule of one process, not of %d ranks: "
                     "unset it, or start the program without mpirun\n",
                     t->size());
      }
      t->gather({}); // nobody ends the job before that
      std::exit(2);
    }
    return t;
  }
#else
  if (under_mpi_launcher()) {
    std::fprintf(stderr,
                 "torc: this program is built without MPI (TORC_MPI=OFF): each process that "
                 "has been launched runs it by itself\n");
  }
#endif
  if (c.round_trip && !c.seed) {
    static std::unique_ptr<in_process_net> alone;
    alone = std::make_unique<in_process_net>(in_process_options{.hosts = {0}});
    return alone->connect(0);
  }
  return nullptr;
}

} // namespace

[[gnu::noinline]] scheduler* current_scheduler() noexcept {
  if (worker* w = this_worker()) {
    return &w->owner;
  }
  if (helped != nullptr) {
    return helped;
  }
  session* const s = current;
  return s != nullptr ? &s->workers() : nullptr;
}

scheduler* use_scheduler(scheduler* s) noexcept { return std::exchange(helped, s); }

session_use::session_use() noexcept : counted_(this_worker() == nullptr && helped == nullptr) {
  if (counted_) {
    users.fetch_add(1); // before the look: whoever ends the session hides it first
    helped = current_scheduler();
  }
}

session_use::~session_use() {
  if (counted_) {
    helped = nullptr;
    users.fetch_sub(1);
  }
}

int launch_primary(const primary_function& primary) {
  need_initial_stack("torc::launch: call torc::init first, on the same thread, and do not launch "
                     "from a task");
  return current.load()->launch(primary);
}

} // namespace detail

void init() {
  using namespace detail;
  if (current != nullptr) {
    throw std::logic_error("torc::init: the runtime is up already");
  }
  if (others_are_gone) {
    throw std::logic_error("torc::init: the other ranks have ended with the session of "
                           "launch(nullptr)");
  }
  const configuration c = read_configuration();
  current = new session(c, connect(c));
  try {
    watch = new signal_watch([](int signal) { current.load()->heard(signal); },
                             c.stall_timeout > 0 ? c.stall_timeout * 250 : -1);
  } catch (...) { // no pipe, no thread
    shutdown();
    throw;
  }
}

void launch(std::nullptr_t) {
  using namespace detail;
  need_initial_stack("torc::launch: call torc::init first, on the same thread");
  session& ours = *current.load();
  if (ours.rank() == 0) {
    ours.announce();
    open_launch = true;
    others_are_gone = num_ranks() > 1;
    return;
  }
  const int exit_code = ours.await_end();
  shutdown();
  std::exit(exit_code);
}

void shutdown() {
  using namespace detail;
  if (current == nullptr) {
    return;
  }
  need_initial_stack("torc::shutdown: call it where torc::init was called, not in a task");
  if (as_group(running_task()) != nullptr) {
    throw std::logic_error("torc::shutdown: called in the scope of a torc::group, which needs the "
                           "session at its end");
  }
  if (std::exchange(open_launch, false)) {
    current.load()->end_launch(std::uncaught_exceptions() > 0 ? 1 : 0);
  }
  current.load()->leave();
  delete std::exchange(watch, nullptr); // it looks at what ends now
  const std::unique_ptr<session> ending(current.exchange(nullptr));
  while (users != 0) {
    std::this_thread::yield();
  }
  ending->shutdown();
}

int num_workers() noexcept {
  const detail::session_use session;
  const detail::scheduler* const s = detail::current_scheduler();
  return s != nullptr ? s->place.all_workers() : 1;
}

int worker() noexcept {
  const detail::worker* const w = detail::this_worker();
  return w != nullptr ? w->owner.place.first_worker() + w->id : -1;
}

int num_local_workers() noexcept {
  const detail::session_use session;
  const detail::scheduler* const s = detail::current_scheduler();
  return s != nullptr ? static_cast<int>(s->workers.size()) : 1;
}

int local_worker() noexcept {
  const detail::worker* const w = detail::this_worker();
  return w != nullptr ? w->id : -1;
}

int num_ranks() noexcept {
  const detail::session_use session;
  const detail::scheduler* const s = detail::current_scheduler();
  return s != nullptr ? s->place.ranks() : 1;
}

int rank() noexcept {
  const detail::session_use session;
  const detail::scheduler* const s = detail::current_scheduler();
  return s != nullptr ? s->place.rank : 0;
}

double wtime() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

} // namespace torc
