// SPDX-License-Identifier: MIT
#pragma once

#include <torc/detail/operation.hpp>
#include <torc/submit.hpp>

namespace torc {

namespace detail {
bool has_ranks() noexcept;
/// Has all ranks run the saved call, on worker 0 or at once where it arrives, as on a thread that
/// is no worker; throws what one of them throws.
void call_everywhere(const writer& call, bool at_once);

/// Ranks do one thing after the other together: in the body of an spmd another one cannot begin.
void refuse_in_spmd();
struct spmd_body {
  spmd_body() noexcept;
  spmd_body(const spmd_body&) = delete;
  spmd_body& operator=(const spmd_body&) = delete;
  ~spmd_body();
};
} // namespace detail

/// An operation: runs `f(args...)` once on every rank, at the same time, and waits for all. Each
/// runs on worker 0 of its rank, which does nothing else meanwhile, so that they may communicate
/// with each other by `torc::communicator()` (torc/mpi.hpp). What `f` returns is dropped.
///
/// `f` and the arguments must be shippable. An exception on one rank or more: one of them is thrown
/// when all ranks have ended. As ranks may wait for one that threw, for ever, the job ends with a
/// line if they have not 10 seconds after that. Several spmds run one after the other; inside
/// another one: std::logic_error. Begins when worker 0 of each rank has ended or suspended what it
/// runs.
template <class F, class... Args>
auto spmd(F f, Args... args) {
  using R = detail::result_of<F, Args...>;
  detail::require_shippable<F>();
  (detail::require_shippable<Args>(), ...);
  if constexpr (!std::is_void_v<R>) {
    detail::require_shippable<R>();
  }
  using closure = detail::closure<F, Args...>;
  return detail::operation([what = closure(std::move(f), std::move(args)...)]() mutable {
    detail::refuse_in_spmd();
    if (detail::has_ranks()) {
      writer w;
      const detail::inline_section no_blocks(w);
      detail::save_remote_type(w, detail::remote_call<F, Args...>::remote);
      detail::save_closure(what, w);
      detail::call_everywhere(w, false);
    } else {
      const auto run = [](closure c) {
        const detail::spmd_body body;
        static_cast<void>(detail::call(c.f, c.args));
      };
      submit(on_local_worker(0).pinned(), run, std::move(what)).get();
    }
  });
}

} // namespace torc
