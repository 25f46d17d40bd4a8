// SPDX-License-Identifier: MIT
#include "scheduler/topology.hpp"

#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "../session.hpp"
#include "runtime/configuration.hpp"
#include "scheduler/scheduler.hpp"

namespace {

using namespace torc::detail;

TEST(topology, every_other_worker_is_a_victim_once) {
  for (const int n : {1, 2, 3, 8, 33}) {
    configuration c;
    c.workers = n;
    const scheduler s(c);
    ASSERT_EQ(s.workers.size(), static_cast<std::size_t>(n));
    for (const auto& w : s.workers) {
      const std::set<worker*> victims(w->victims.begin(), w->victims.end());
      EXPECT_EQ(w->victims.size(), static_cast<std::size_t>(n - 1));
      EXPECT_EQ(victims.size(), w->victims.size());
      EXPECT_FALSE(victims.contains(w.get()));
    }
  }
}

TEST(topology, two_workers_that_are_equally_near_have_different_first_victims) {
  configuration c;
  c.workers = 3;
  const scheduler s(c);
  EXPECT_NE(s.workers[0]->victims.front(), s.workers[0].get());
  EXPECT_FALSE(s.workers[0]->victims.front() == s.workers[1]->victims.front() &&
               s.workers[1]->victims.front() == s.workers[2]->victims.front());
}

TEST(topology, cores_are_shared_out_in_turn) {
  const std::size_t there_are = allowed_cores().count();
  const std::vector<int> all = share_out_cores(there_are, 0);
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), there_are);
  const std::vector<int> others = share_out_cores(3, 2);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(others[i], all[(2 + i) % there_are]);
  }
}

TEST(topology, a_thread_is_bound_to_what_it_may_use) {
  std::thread([] {
    const core_set before = allowed_cores();
    const core_set one = core_set().set(static_cast<std::size_t>(share_out_cores(1, 0).front()));
    EXPECT_TRUE(bind_to(one));
    EXPECT_EQ(allowed_cores(), one);
    EXPECT_FALSE(bind_to({}));
    EXPECT_TRUE(bind_to(before));
  }).join();
}

TEST(configuration, defaults) {
  const test::environment w("TORC_WORKERS", nullptr);
  const test::environment s("TORC_STACK_SIZE", nullptr);
  const configuration c = read_configuration();
  EXPECT_EQ(c.workers, 0); // as many as usable cores
  EXPECT_GE(usable_cores(), 1);
  EXPECT_EQ(c.stack_size, configuration().stack_size);
  EXPECT_FALSE(c.bind);
  EXPECT_FALSE(c.statistics);
  EXPECT_FALSE(c.seed.has_value());
}

TEST(configuration, sizes) {
  const auto bytes = [](const char* text) {
    const test::environment e("TORC_STACK_SIZE", text);
    return read_configuration().stack_size;
  };
  EXPECT_EQ(bytes("65536"), 65536u);
  EXPECT_EQ(bytes("64K"), 65536u);
  EXPECT_EQ(bytes("64k"), 65536u);
  EXPECT_EQ(bytes("3M"), std::size_t{3} << 20);
  EXPECT_EQ(bytes("16G"), std::size_t{16} << 30);
  EXPECT_EQ(bytes(""), configuration().stack_size);
}

TEST(configuration, everything_at_once) {
  const test::environment w("TORC_WORKERS", "1024");
  const test::environment b("TORC_BIND", "core");
  const test::environment t("TORC_STATS", "1");
  const test::environment s("TORC_SEED", "18446744073709551615");
  const configuration c = read_configuration();
  EXPECT_EQ(c.workers, 1024);
  EXPECT_TRUE(c.bind);
  EXPECT_TRUE(c.statistics);
  EXPECT_EQ(c.seed, 18446744073709551615u);
}

} // namespace
