// SPDX-License-Identifier: MIT
#include "runtime/session.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <torc/stop.hpp>
#include <torc/submit.hpp>
#include <unistd.h>

#include "runtime/explain.hpp"
#include "runtime/statistics.hpp"

namespace torc::detail {
namespace {

/// What ranks tell each other when they meet.
struct introduction {
  std::uint64_t program = binary_identity();
  std::int32_t workers = 0; ///< 0: its share of the host's cores
  std::int32_t cores = usable_cores();
  std::int32_t survive = 0; ///< rank 0's counts
  core_set allowed = allowed_cores();
  char host[64] = {};
};

bool share_cores(const introduction& a, const introduction& b) {
  return std::strcmp(a.host, b.host) == 0 && (a.allowed & b.allowed).any();
}

/// Under this name it is in reports.
int primary_task(const std::function<int()>& app) { return app(); }

} // namespace

std::string transport::host() const {
  char name[64] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

session::session(configuration c, std::unique_ptr<transport> t) : transport_(std::move(t)) {
  front* fronts = nullptr;
  if (transport_ != nullptr) {
    meet(c);
    fronts = transport_->page(transport_->rank())->fronts();
  } else {
    c.workers = c.workers != 0 ? c.workers : usable_cores();
    place_.first_workers = {0, c.workers};
  }
  scheduler_ = std::make_unique<scheduler>(c, fronts);
  scheduler_->place = place_;
  const auto deadlocked = [this] {
    give_up("deadlock: nothing runs, and tasks wait for each other");
  };
  if (transport_ != nullptr) {
    const auto signalled = [this](int signal) { signal == SIGUSR1 ? explain() : stop(signal); };
    engine_ = std::make_unique<rank_engine>(*scheduler_, *transport_, hosts_,
                                            rank_engine::events{signalled, deadlocked});
  } else {
    scheduler_->deadlocked = deadlocked;
  }
  scheduler_->start();
}

/// Says on stderr what this rank is doing, in one piece.
void session::explain() { std::fputs(explanation(*scheduler_, place_.who()).c_str(), stderr); }

session::~session() = default;

/// Tells the other ranks of this one and settles how many workers everybody has.
void session::meet(configuration& c) {
  place_.rank = transport_->rank();
  introduction mine;
  mine.workers = c.workers;
  mine.survive = c.survive;
  transport_->host().copy(mine.host, sizeof mine.host - 1);
  bytes packed(sizeof mine);
  std::memcpy(packed.data(), &mine, sizeof mine);
  std::vector<introduction> all;
  for (const bytes& b : transport_->gather(packed)) {
    std::memcpy(static_cast<void*>(&all.emplace_back()), b.data(), sizeof mine);
  }
  const introduction& root = all.front();
  std::vector<int> workers;
  place_.first_workers = {0};
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r].program != root.program) {
      if (place_.rank == 0) {
        std::fprintf(stderr,
                     "torc: rank %zu on %s runs another program, or another build of it, than "
                     "rank 0 on %s: start the same file everywhere\n",
                     r, all[r].host, root.host);
      }
      part();
      transport_.reset();
      std::exit(1);
    }
    hosts_.emplace_back(all[r].host);
    int n = all[r].workers;
    if (n == 0) { // cores that several ranks may use are divided among them
      int sharing = 0, before = 0;
      for (std::size_t other = 0; other < all.size(); ++other) {
        if (other == r || share_cores(all[r], all[other])) {
          ++sharing;
          before += other < r;
        }
      }
      n = std::max(1, all[r].cores / sharing + (before < all[r].cores % sharing ? 1 : 0));
    }
    workers.push_back(n);
    place_.first_workers.push_back(place_.first_workers.back() + n);
  }
  const auto self = static_cast<std::size_t>(place_.rank);
  place_.host = hosts_[self];
  c.workers = workers[self];
  for (std::size_t r = 0; r < self; ++r) {
    c.cores_taken += share_cores(all[r], all[self]) ? workers[r] : 0;
  }
  transport_->make_pages(workers);
  c.survive = root.survive != 0;
  if (c.survive) {
    transport_->expect_losses();
  }
}

/// Waits until all ranks are here and all messages have arrived.
void session::part() {
  struct : receiver {
    void receive(arrival&&) override {} // a hint, at most
  } late;
  while (!transport_->closed()) {
    transport_->poll(late);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

int session::launch(const std::function<int()>& primary) {
  if (place_.rank != 0) {
    return await_end();
  }
  struct ending { // also if an exception passes
    session& self;
    int exit_code = 1;
    ~ending() { self.end_launch(exit_code); }
  } end{*this};
  announce();
  end.exit_code = result_of(submit(here.pinned().uncounted(), primary_task, std::ref(primary)));
  return end.exit_code;
}

void session::announce() const {
  if (scheduler_->config.statistics) {
    std::fprintf(stderr, "TORC: main starts\n");
  }
}

void session::end_launch(int exit_code) {
  if (engine_) {
    engine_->end_launch(exit_code);
  }
}

void session::heard(int signal) {
  if (signal == 0) {
    look_for_stall();
    return;
  }
  if (signal == SIGUSR1) {
    explain();
    return;
  }
  if (engine_ && engine_->look_for_deaths()) {
    return; // so the launcher ends those who are left; if need be, the engine does
  }
  if (place_.rank != 0) {
    engine_->pass_on_signal(signal);
  } else {
    stop(signal);
  }
}

/// Rank 0: whether no task has ended, nor anybody gone to sleep or waited, for TORC_STALL_TIMEOUT.
void session::look_for_stall() {
  std::uint64_t events = scheduler_->sleeps();
  for (const auto& w : scheduler_->workers) {
    events += w->own.tasks_run.load(std::memory_order_relaxed) +
              w->statistics.suspended.load(std::memory_order_relaxed);
  }
  const auto now = std::chrono::steady_clock::now();
  if (std::exchange(events_, events) != events) {
    changed_ = now;
  }
  const std::chrono::seconds limit(scheduler_->config.stall_timeout);
  if (now - changed_ < limit || place_.rank != 0) {
    return;
  }
  give_up("stalled: no task has ended for " + std::to_string(limit.count()) +
          " seconds (TORC_STALL_TIMEOUT)");
}

/// Rank 0: says why, has every rank say what it is doing, and ends the job.
void session::give_up(const std::string& why) {
  std::fprintf(stderr, "torc: %s\n", why.c_str());
  explain();
  if (engine_) {
    engine_->have_all_explain();
    engine_->ends_the_job();
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  std::fflush(nullptr);
  std::_Exit(1);
}

void session::stop(int signal) {
  if (signal_.exchange(signal) != 0) {
    return; // all ranks get it; they may say so while the following tells them what is stopped
  }
  const std::lock_guard locked(primary_mutex_);
  std::fprintf(stderr, "torc: SIG%s: the tasks are asked to stop\n", sigabbrev_np(signal));
  if (primary_ != nullptr) {
    primary_->cancel();
  } else {
    detail::stop(scheduler_->root, stop_state::cancelled); // the main program is the primary task
  }
}

/// Waits for the primary task, which a signal may stop.
int session::result_of(future<int> primary) {
  const auto follow = [this](future<int>* p) {
    const std::lock_guard locked(primary_mutex_);
    primary_ = p;
    if (p != nullptr && signal_ != 0) {
      p->cancel();
    }
    return signal_.load();
  };
  follow(&primary);
  join(*access::state(primary)); // no stop point: what it has come to is told below
  const int signal = follow(nullptr);
  try {
    return primary.get();
  } catch (const cancelled&) {
    if (signal == 0) {
      throw;
    }
    return 128 + signal; // as of a process that it has ended
  }
}

void session::leave() {
  scheduler_->drain();
  if (engine_) {
    engine_->leave();
  }
}

void session::shutdown() {
  scheduler_->stop();
  if (engine_) {
    statistics_ = engine_->statistics();
    engine_.reset();
    part();
    if (scheduler_->config.statistics && place_.rank == 0) {
      print_statistics(statistics_);
    }
  } else if (scheduler_->config.statistics) {
    print_statistics(*scheduler_);
  }
}

} // namespace torc::detail
