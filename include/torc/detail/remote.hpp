// SPDX-License-Identifier: MIT
#pragma once

// A task that runs on another rank than the one that waits for it. What moves is a task that has
// not started: identity of the callable and arguments as bytes. Its descriptor stays at home until
// the result is back.

#include <memory>
#include <torc/detail/closure.hpp>
#include <torc/detail/identity.hpp>
#include <torc/detail/time_limit.hpp>
#include <torc/shippable.hpp>
#include <typeinfo>

namespace torc::detail {

/// Where a result goes: a place in the table of its home rank, and how often that has been used.
struct task_home {
  std::int32_t rank = 0;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
};

/// A task from another rank, on the heap.
struct remote_task : descriptor, stop_scope {
  explicit remote_task(const task_type& t) noexcept
      : descriptor(t), stop_scope(nullptr, kind::remote) {
    std::construct_at(&shared);
    within = this;
  }
  virtual ~remote_task() = default;
  /// The result, if there is one.
  virtual void save_result(writer& w) const = 0;

  task_home home;
  bool collective = false; ///< part of an `spmd`
  std::chrono::nanoseconds time_limit{0};
};

/// Sends the outcome home and deletes the task.
void finish_remote(descriptor& d) noexcept;

template <class R>
inline constexpr bool result_ships = std::is_void_v<R>;
template <class R>
requires(!std::is_void_v<R> &&
         !std::is_reference_v<R>) inline constexpr bool result_ships<R> = shippable<R>;

template <class F, class... Args>
void save_closure(const closure<F, Args...>& c, writer& w) {
  save_value(w, c.f);
  std::apply([&](const Args&... args) { (save_value(w, args), ...); }, c.args);
}

template <class R>
void load_result(result_slot<R>& slot, [[maybe_unused]] reader& r) {
  if constexpr (std::is_void_v<R>) {
    slot.fill([] {});
  } else {
    slot.fill([&r] { return load_value<R>(r); });
  }
}

template <class F, class... Args>
struct remote_call final : remote_task {
  using R = result_of<F, Args...>;
  // Braces, so that the parts are read in order.
  struct parts {
    F f;
    std::tuple<Args...> args;
  };
  explicit remote_call(reader& r)
      : remote_call(parts{load_value<F>(r), {load_value<Args>(r)...}}) {}
  explicit remote_call(parts&& p)
      : remote_task(table),
        what_(std::make_from_tuple<closure<F, Args...>>(
            std::tuple_cat(std::forward_as_tuple(std::move(p.f)), std::move(p.args)))) {}
  ~remote_call() override {
    if (ended == outcome::value) {
      result_.empty();
    }
  }
  void save_result([[maybe_unused]] writer& w) const override {
    if constexpr (!std::is_void_v<R>) {
      save_value<R>(w, result_.get());
    }
  }

  static remote_task* load(reader& r) { return new remote_call(r); }
  static const char* name() { return typeid(closure<F, Args...>).name(); }
  static const remote_type remote;

private:
  static void run(descriptor& d) noexcept {
    auto& self = static_cast<remote_call&>(d);
    run_within(self.time_limit, self, d, self.result_,
               [&self]() -> R { return call(self.what_.f, self.what_.args); });
  }
  static void save(const descriptor& d, writer& w) {
    save_closure(static_cast<const remote_call&>(d).what_, w);
  }
  static any_function code(const descriptor& d) noexcept {
    const auto& what = static_cast<const remote_call&>(d).what_;
    return code_address(what.f, what.args);
  }
  static constexpr task_type table{&run, &finish_remote, &remote, &save, nullptr, &code};

  closure<F, Args...> what_;
  result_slot<R> result_;
};

template <class F, class... Args>
constexpr remote_type remote_call<F, Args...>::remote{
    &remote_call::remote, remote_type::expected_magic, &remote_call::load, &remote_call::name};

template <class F, class... Args>
inline constexpr bool travels = result_ships<result_of<F, Args...>>&& shippable<F> &&
                                (shippable<Args> && ...);

/// The table of a task type `Call` that runs `f(args...)`: `Call::run` and, if it may leave the
/// process, `Call::save` and `Call::take_result`; `Call::code` for reports.
template <class Call, bool Travels, class F, class... Args>
consteval task_type table_of(void (*finish)(descriptor&) noexcept) {
  if constexpr (Travels) {
    return {&Call::run,         finish,     &remote_call<F, Args...>::remote, &Call::save,
            &Call::take_result, &Call::code};
  } else {
    return {&Call::run, finish, nullptr, nullptr, nullptr, &Call::code};
  }
}

} // namespace torc::detail
