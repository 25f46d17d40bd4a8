// SPDX-License-Identifier: MIT

// Ranks that die. Those of a host see each other's processes end. The root and the ranks of other
// hosts send each other beats. Whoever sees a death ends the job; where losses are survived, he
// tells the root, and the root everybody.
//
// What a lost rank had is made good by whoever waits for it. A task is known by its home, which
// keeps it, and is run there again if any of the ranks it has been passed to is lost. It may still
// be alive, or its result under way, with another one: what comes of that finds the slot taken.
// What nobody waits for any more is stopped: such a copy, and tasks whose home is lost.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <unistd.h>

#include "ranks/engine.hpp"
#include "scheduler/code_name.hpp"
#include "scheduler/exception_view.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {
namespace {

using namespace std::chrono_literals;

/// How often mates are looked at.
constexpr auto look_period = 50ms;
/// Who has not been heard for so many beats is lost.
constexpr int patience = 5;

/// The launcher ends the others, with the exit code of the one that died. If it does not, we do.
constexpr auto launchers_turn = 2s;

} // namespace

bool rank_engine::survive() const noexcept { return scheduler_.config.survive; }

/// The helper, again and again.
void rank_engine::watch() {
  const auto now = clock::now();
  if (now < next_look_ || transport_.gone(rank)) { // the latter in tests: we are the dead one
    return;
  }
  const auto period = scheduler_.config.beat;
  const bool stopped = now - next_look_ > period && next_look_ != clock::time_point();
  next_look_ = now + look_period;
  if (stopped || now >= next_beat_) {
    next_beat_ = now + period;
    post(rank, {.what = message_kind::beat, .value = stopped}, writer());
    progress(false);
  }
  look_for_deaths();
}

bool rank_engine::look_for_deaths() noexcept {
  bool any = false;
  for (int r = 0; r < transport_.size(); ++r) {
    if (r != rank && !lost_[static_cast<std::size_t>(r)] && transport_.gone(r)) {
      post(rank, {.what = message_kind::lost, .value = static_cast<std::uint32_t>(r)}, writer());
      any = true;
    }
  }
  if (any) {
    progress(false);
  }
  return any;
}

/// Says that we live and looks who does. After a stop, as by a debugger or a batch system, nobody
/// can have been heard.
void rank_engine::beat(bool stopped) {
  const auto now = clock::now();
  for (int r = 0; r < transport_.size(); ++r) {
    if ((r == 0) == (rank == 0) || host_map_.together(r, rank) ||
        lost_[static_cast<std::size_t>(r)]) {
      continue;
    }
    clock::time_point& heard = heard_[static_cast<std::size_t>(r)];
    heard = stopped || heard == clock::time_point() ? now : heard;
    if (now - heard > patience * scheduler_.config.beat) {
      lose(r);
    } else {
      send(r, {.what = message_kind::beat});
    }
  }
}

void rank_engine::lose(int r) {
  if (protocol_.is_lost(r)) {
    return;
  }
  const char* const why_not = !survive()            ? "the job ends"
                              : r == 0              ? "rank 0 cannot be replaced: the job ends"
                              : collective_.running ? "spmd cannot go on without it: the job ends"
                                                    : nullptr;
  report_loss(r, why_not != nullptr ? why_not : "the others go on");
  if (why_not != nullptr) {
    ends_the_job();
    std::fflush(nullptr);
    std::this_thread::sleep_for(launchers_turn);
    std::_Exit(1);
  }
  ++losses_;
  lost_[static_cast<std::size_t>(r)].store(true, std::memory_order_relaxed);
  transport_.lost(r);
  protocol_.lost(r);
  anything_stopped.store(true); // what rank r wanted to have run: see `stopped_at_home`
  scheduler_.spread_stop();
  make_good(r);
  for (int other = 0; other < transport_.size(); ++other) {
    if (other != rank && !protocol_.is_lost(other) && (rank == 0 || other == 0)) {
      send(other, {.what = message_kind::lost, .value = static_cast<std::uint32_t>(r)});
    }
  }
}

/// Runs what rank `r` had of ours, and stops copies that live on: that it has passed one on may be
/// what it did last, and did not come to tell us.
void rank_engine::make_good(int r) {
  const std::vector<slots::gone> gone = away_.take_gone_with(r);
  std::vector<task_home> copies;
  for (const slots::gone& g : gone) {
    copies.push_back(g.home);
  }
  post_stop(copies);
  for (const slots::gone& g : gone) {
    ++again_;
    run_here(*g.task);
  }
}

/// A task of ours that was to run elsewhere.
void rank_engine::run_here(descriptor& d) noexcept {
  const int q = scheduler_.next_local();
  if (d.type->finish == &finish_child) {
    scheduler_.put_back(d, q);
  } else {
    scheduler_.send(d, q, false);
  }
}

/// One line, by one rank of those that share the dead one's page, otherwise by the root, or by all
/// if that is the dead one.
void rank_engine::report_loss(int r, const char* consequence) {
  rank_page* const page = transport_.page(r);
  if (page != nullptr ? page->reported.exchange(1) != 0 : rank != 0 && r != 0) {
    return;
  }
  const std::string what = page != nullptr ? what_runs(*page) : "";
  std::fprintf(stderr, "torc: rank %d on %s has died%s%s: %s\n", r,
               hosts[static_cast<std::size_t>(r)].c_str(), what.empty() ? "" : " while it ran ",
               what.c_str(), consequence);
}

void rank_engine::pass_on_signal(int signal) noexcept {
  post(0, {.what = message_kind::signal, .value = static_cast<std::uint32_t>(signal)}, writer());
  progress(false);
}

void rank_engine::have_all_explain() noexcept {
  for (int r = 1; r < transport_.size(); ++r) {
    post(r, {.what = message_kind::signal, .value = SIGUSR1}, writer());
  }
  progress(false);
}

void rank_engine::dying(const char* signal) noexcept {
  if (page_.reported.exchange(1) != 0) {
    return;
  }
  // What follows allocates memory, perhaps in the middle of an allocation: not for ever.
  std::signal(SIGALRM, SIG_DFL);
  ::alarm(2);
  const worker* const w = this_worker();
  const std::uintptr_t code = w != nullptr ? w->own.begun.load(std::memory_order_relaxed) : 0;
  const std::exception_ptr error = std::current_exception(); // std::terminate catches it
  const std::string line = "torc: rank " + std::to_string(rank) + " on " +
                           hosts[static_cast<std::size_t>(rank)] + " dies of " + signal +
                           (error ? " with " + text_of(error) : "") +
                           (code != 0 ? " while it runs " + code_name(code) : "") + "\n";
  static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
  ::alarm(0);
}

void rank_engine::sum_up_losses() const noexcept {
  if (losses_ > 0) {
    std::uint64_t again = 0;
    for (const rank_statistics& s : gathered_) {
      again += s.again;
    }
    std::fprintf(stderr, "torc: lost %d of %d ranks; tasks that were run again: %llu\n", losses_,
                 transport_.size(), static_cast<unsigned long long>(again));
  }
}

/// What the workers of a rank of this host have begun last.
std::string rank_engine::what_runs(rank_page& page) {
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < page.workers; ++i) {
    if (const std::uintptr_t code = page.fronts()[i].begun.load(std::memory_order_relaxed)) {
      names.insert(code_name(code));
    }
  }
  std::string all;
  for (const std::string& name : names) {
    all += (all.empty() ? "" : ", ") + name;
  }
  return all;
}

} // namespace torc::detail
