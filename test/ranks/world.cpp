// SPDX-License-Identifier: MIT
#include "world.hpp"

#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/explain.hpp"
#include "runtime/session.hpp"
#include "scheduler/scheduler.hpp"
#include "transport/in_process.hpp"

#ifdef TORC_ASAN
#include <atomic>
#include <sanitizer/lsan_interface.h>

extern "C" int __sanitizer_install_malloc_and_free_hooks( // g++ has no header of it
    void (*malloc_hook)(const volatile void*, std::size_t),
    void (*free_hook)(const volatile void*));
#endif

namespace test {
namespace {

/// What the threads of a victim allocate is no leak: they never come to free it.
#ifdef TORC_ASAN
std::atomic<const torc::detail::scheduler*>
    victims[64]; // the latest; earlier ones have come to rest
std::atomic<unsigned> victims_so_far{0};

void ignore_if_victims(const volatile void* p, std::size_t) {
  const auto* const here = torc::detail::current_scheduler();
  for (const auto& victim : victims) {
    if (here != nullptr && here == victim.load(std::memory_order_relaxed)) {
      __lsan_ignore_object(const_cast<const void*>(p));
    }
  }
}

void begins_as_victim() {
  static const int hooks =
      __sanitizer_install_malloc_and_free_hooks(ignore_if_victims, [](const volatile void*) {});
  EXPECT_NE(hooks, 0);
  __lsan_disable(); // of this thread
}
void is_victim(const torc::detail::scheduler& s) { victims[victims_so_far++ % 64] = &s; }
#else
void begins_as_victim() {}
void is_victim(const torc::detail::scheduler&) {}
#endif

using torc::detail::in_process_net;
using torc::detail::session;

} // namespace

namespace {

std::function<void()> cut_off_victim;

std::mutex sessions_mutex;
std::vector<session*> sessions; ///< by rank, or null

void note_session(std::size_t rank, session* s) {
  const std::lock_guard guard(sessions_mutex);
  sessions[rank] = s;
}

} // namespace

void kill_victim() { cut_off_victim(); }

void explain_world() {
  const std::lock_guard guard(sessions_mutex);
  for (std::size_t rank = 0; rank < sessions.size(); ++rank) {
    const std::string who = "rank " + std::to_string(rank) + ": ";
    const std::string text = sessions[rank] != nullptr
                                 ? explanation(sessions[rank]->workers(), who)
                                 : "torc: " + who + "has ended, or is the victim\n";
    std::fputs(text.c_str(), stderr);
  }
}

world_ended run_launches(const world& w, const std::vector<application>& applications) {
  struct shared { // by the victim, which may be anywhere when the others have ended
    world w;
    std::vector<application> applications;
    world_ended result = {};
  };
  const auto all = std::make_shared<shared>(shared{w, applications});
  const std::size_t ranks = w.workers.size();
  world_ended& result = all->result;
  result.exit_codes.assign(applications.size(), std::vector<int>(ranks, -1));
  result.errors.resize(applications.size());
  const std::shared_ptr<in_process_net> net(
      new in_process_net({.hosts = w.hosts.empty() ? std::vector<int>(ranks) : w.hosts,
                          .seed = w.seed,
                          .most_delay = w.most_delay,
                          .deaths_are_seen = w.survives}));
  sessions.assign(ranks, nullptr);
  cut_off_victim = [net, victim = w.victim] { net->kill(victim); };
  const auto run_rank = [all, net](std::size_t rank) {
    auto& [in, launches, out] = *all;
    torc::detail::configuration c;
    c.workers = in.workers[rank];
    c.stack_size = 1u << 20;
    c.stealing = in.stealing;
    c.suspicion = in.suspicion;
    c.beat = in.beat;
    c.survive = in.victim >= 0 && in.survives;
    const bool dies = static_cast<int>(rank) == in.victim;
    if (dies) {
      begins_as_victim();
    }
    session s(c, net->connect(static_cast<int>(rank)));
    if (dies) {
      is_victim(s.workers());
    } else {
      note_session(rank, &s);
    }
    for (std::size_t i = 0; i < launches.size(); ++i) {
      try {
        const int code = s.launch(launches[i]);
        if (!dies) { // it may hear of the launch's end, when nobody waits for it
          out.exit_codes[i][rank] = code;
        }
      } catch (...) {
        EXPECT_EQ(rank, 0u) << "the primary task's exception on another rank";
        out.errors[i] = std::current_exception();
      }
    }
    s.leave();
    s.shutdown();
    EXPECT_EQ(s.workers().fibers.in_use(), 0u) << "fibers are left suspended on rank " << rank;
    if (!dies) {
      note_session(rank, nullptr);
    }
    if (rank == 0) {
      out.statistics = s.statistics();
    }
  };
  std::vector<std::thread> others;
  for (std::size_t rank = 1; rank < ranks; ++rank) {
    if (static_cast<int>(rank) == w.victim) {
      std::thread(run_rank, rank).detach(); // does not come back
    } else {
      others.emplace_back(run_rank, rank);
    }
  }
  std::thread root(run_rank, 0); // not on the test's thread, which may be the program's main one
  root.join();
  for (std::thread& t : others) {
    t.join();
  }
  EXPECT_EQ(result.statistics.size(), ranks - (w.victim >= 0 ? 1 : 0));
  return result;
}

world_ended run_world(const world& w, const std::function<void()>& app) {
  world_ended result = run_launches(w, {[&] {
                                      app();
                                      return 0;
                                    }});
  std::vector<int> expected(w.workers.size(), 0);
  if (w.victim >= 0) {
    expected[static_cast<std::size_t>(w.victim)] = -1;
  }
  EXPECT_EQ(result.exit_codes[0], expected);
  try {
    if (result.errors[0]) std::rethrow_exception(result.errors[0]);
  } catch (const std::exception& e) {
    ADD_FAILURE() << "the application threw: " << e.what();
  }
  return result;
}

} // namespace test
