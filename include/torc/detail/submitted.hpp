// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <torc/detail/descriptor.hpp>
#include <torc/detail/result.hpp>
#include <torc/detail/spinlock.hpp>
#include <torc/detail/time_limit.hpp>
#include <torc/placement.hpp>
#include <torc/spawn.hpp>
#include <torc/stop.hpp>
#include <tuple>
#include <typeinfo>

namespace torc::detail {

struct submit_counter;
struct submitted;

/// Wants to know when a submitted task has ended.
struct listener {
  /// Called once: by whoever ends the task, with its lock held, or by who finds it ended when it
  /// wants to listen. Null: this is a callback, which goes its own way.
  void (*fire)(listener&) noexcept = nullptr;
  listener* next = nullptr;
  listener* previous = nullptr;
};

/// A worker of all ranks, or with -1 any worker of the rank. Rank -1: there is no runtime.
struct destination {
  int rank = -1;
  int worker = -1;
};

/// A task on the heap, shared by its queue and its future.
struct submitted : descriptor, stop_scope {
  explicit submitted(const task_type& t) noexcept : descriptor(t), stop_scope(this_scope()) {
    std::construct_at(&shared);
    within = this;
  }
  virtual ~submitted() = default;
  void set(const task_options& o) noexcept {
    options = o;
    level = o.level & 0x1f;
    uncounted = o.is_uncounted || o.is_direct;
    keeps = o.retries > 0;
  }
  /// The arguments, a tuple of that type; null if that has not been kept.
  virtual const void* input(const std::type_info&) const noexcept { return nullptr; }
  /// Destroys callable and arguments.
  virtual void drop() noexcept = 0;
  /// Puts a result in the place of a failure, if one is to be ignored.
  virtual void ignore_failure() noexcept {}

  task_options options;
  bool keeps = false;          ///< callable and arguments are needed until it has ended for good
  destination to;              ///< where it was sent
  const void* place = nullptr; ///< the code that has submitted it; null: not known
  submit_counter* counter = nullptr; ///< the parent's count of children
  std::uint64_t number = 0;          ///< among these
  atomic<int> references{2};
  atomic<bool> done{false};
  atomic<bool> asked{false}; ///< somebody has been given the exception
  spinlock lock;             ///< of the listeners
  listener* listeners = nullptr;
};

void retain(submitted& s) noexcept;
void release(submitted& s) noexcept;
/// Where a placement leads; throws std::out_of_range.
destination resolve(placement where);
destination resolve(local_placement where);
/// Makes it a child of the running task and sends it there; without a runtime, runs it at once.
/// Notes the caller as the place where it was submitted.
void send(submitted& s, destination to);
/// The same, but the callback is sent when `s` has ended.
void send_after(submitted& s, submitted& callback, destination to);
void finish_submitted(descriptor& d) noexcept;

/// False if the task has ended already.
bool listen(submitted& s, listener& l) noexcept;
void unlisten(submitted& s, listener& l) noexcept;

// All suspend the calling task, or block a thread that is no worker.

/// The position of one that has ended.
std::size_t wait_for_any(std::span<submitted* const> tasks);
/// Whether all have ended by the deadline.
bool wait_for_all_until(std::span<submitted* const> tasks,
                        std::chrono::steady_clock::time_point deadline);
/// Returns early if the calling task is stopped.
void wait_for_one(submitted& s) noexcept;
/// Waits for it even if the calling task is stopped.
void join(submitted& s) noexcept;

template <class R>
struct submitted_result : submitted {
  using submitted::submitted;
  ~submitted_result() override {
    if (ended == outcome::value) {
      result.empty();
    }
  }
  result_slot<R> result;
};

/// `Travels`: it may leave the process. `Repeats`: it may be tried again.
template <bool Travels, bool Repeats, class F, class... Args>
struct submitted_call : submitted_result<result_of<F, Args...>> {
  using R = result_of<F, Args...>;
  using arguments = std::tuple<Args...>;
  static constexpr bool travels = Travels;
  template <class G, class... As>
  explicit submitted_call(G&& g, As&&... as)
      : submitted_result<R>(table), what(std::forward<G>(g), std::forward<As>(as)...) {}
  ~submitted_call() override {}
  void drop() noexcept override { std::destroy_at(&what); }

  union { // destroyed when the task has run, however long its future lives
    closure<F, Args...> what;
  };

  static_assert(
      !Repeats || (std::is_copy_constructible_v<F> && (std::is_copy_constructible_v<Args> && ...)),
      "torc: a task can be tried again (`retry`) only if its callable and arguments can be copied");

  static void run(descriptor& d) noexcept {
    auto& self = static_cast<submitted_call&>(d);
    run_within(self.options.time_limit, self, d, self.result, [&self]() -> R {
      if constexpr (Repeats) {
        if (self.keeps) {
          closure<F, Args...> copy(std::as_const(self.what));
          return call(copy.f, copy.args);
        }
      }
      return call(self.what.f, self.what.args);
    });
    self.used();
  }
  void used() noexcept {
    if (!this->keeps) {
      drop();
    }
  }
  static void save(const descriptor& d, writer& w) {
    save_closure(static_cast<const submitted_call&>(d).what, w);
  }
  static void take_result(descriptor& d, reader* r) {
    auto& self = static_cast<submitted_call&>(d);
    if (r != nullptr) {
      load_result(self.result, *r);
      d.ended = outcome::value;
    }
    self.used();
  }
  static any_function code(const descriptor& d) noexcept {
    const auto& what = static_cast<const submitted_call&>(d).what;
    return code_address(what.f, what.args);
  }
  static constexpr task_type table =
      table_of<submitted_call, Travels, F, Args...>(&finish_submitted);
};

/// The same with a result for the case that it fails.
template <class Call>
struct ignoring_call final : Call {
  using Call::Call;
  using R = typename Call::R;

  template <class T>
  void ignore(T&& value) {
    if constexpr (std::is_same_v<T, std::monostate>) {
      static_assert(std::is_void_v<R> || std::is_default_constructible_v<object_of<R>>,
                    "torc: ignore_failure() needs a result that has a default value; write "
                    "ignore_failure(value)");
      otherwise.emplace();
    } else {
      static_assert(std::is_convertible_v<T, R>,
                    "torc: ignore_failure(value): the value is no result of the task");
      otherwise.emplace(std::forward<T>(value));
    }
  }
  void ignore_failure() noexcept override {
    this->take_error();
    try {
      if constexpr (!std::is_void_v<R>) {
        this->result.assign(std::move(*otherwise));
      }
      this->ended = outcome::value;
    } catch (...) { // the move of the value
      this->fail(std::current_exception());
    }
  }

  std::optional<object_of<R>> otherwise;
};

/// The same that keeps a copy of its arguments.
template <class Call>
struct keeping_call final : Call {
  using arguments = typename Call::arguments;
  template <class G, class... As>
  explicit keeping_call(G&& g, As&&... as)
      : Call(std::forward<G>(g), std::forward<As>(as)...), kept(this->what.args) {}
  const void* input(const std::type_info& types) const noexcept override {
    return types == typeid(arguments) ? &kept : nullptr;
  }

  arguments kept;
};

} // namespace torc::detail
