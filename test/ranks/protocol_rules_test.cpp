// SPDX-License-Identifier: MIT
// What one rank's protocol says and does, message by message.

#include <gtest/gtest.h>
#include <optional>
#include <torc/bytes.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "ranks/protocol.hpp"

namespace {

using torc::detail::header;
using torc::detail::message_kind;
using torc::detail::protocol;

using words = std::tuple<int, message_kind, std::uint32_t>; ///< to whom, what, value

/// What a rank says and is asked, without a world around it.
struct nowhere final : torc::detail::site {
  void send(int to, header h) override {
    if (h.what == message_kind::request) {
      asked = to;
    }
    said.push_back({to, h.what, h.value});
  }
  int give(int to, bool) override {
    given.push_back(to);
    return 1;
  }
  bool hungry() override { return false; }
  bool outstanding() override { return waits; }
  void closed() override { has_closed = true; }
  std::optional<std::uint64_t> rest() override { return std::nullopt; }
  void deadlocked() override {}
  bool waits = false, has_closed = false;
  int asked = -1;
  std::vector<words> said;
  std::vector<int> given;
};

TEST(protocol, refuses_answers_without_questions_and_wrong_partings) {
  nowhere site;
  const torc::detail::host_map hosts({0, 0, 0, 1, 1});
  protocol p(site, 1, hosts, 1);
  p.hungry();
  ASSERT_GE(site.asked, 0);
  const auto refused = [&](int from, message_kind what, std::uint32_t value = 0) {
    try {
      p.received(from, {.what = what, .value = value});
      return false;
    } catch (const torc::bad_message&) {
      return true;
    }
  };
  for (int from : {0, 2, 3, 4}) {
    if (from != site.asked) {
      EXPECT_TRUE(refused(from, message_kind::tasks, 1));
    }
  }
  EXPECT_FALSE(refused(site.asked, message_kind::tasks, 1));
  EXPECT_TRUE(refused(site.asked, message_kind::tasks, 1)) << "only once";
  EXPECT_FALSE(refused(2, message_kind::tasks, 0)) << "for a lifeline, at any time";
  EXPECT_TRUE(refused(0, message_kind::refusal));
  EXPECT_TRUE(refused(0, message_kind::close)) << "not parted";
  EXPECT_TRUE(refused(3, message_kind::goodbye)) << "not the root";
  protocol root(site, 0, hosts, 1);
  EXPECT_NO_THROW(root.received(3, {.what = message_kind::goodbye}));
  EXPECT_THROW(root.received(3, {.what = message_kind::goodbye}), torc::bad_message) << "twice";
}

TEST(protocol, takes_lifelines_back_when_tasks_come) {
  const torc::detail::host_map hosts({0, 0, 0, 1, 1});
  using said = std::vector<words>;
  constexpr auto back = message_kind::withdrawal;
  const auto taken_back = [&](int from, message_kind what) {
    nowhere site;
    protocol p(site, 1, hosts, 1);
    while (!p.silent()) {
      p.hungry();
      if (!p.silent()) p.received(p.asked(), {.what = message_kind::refusal});
    }
    site.said.clear();
    p.received(from, {.what = what});
    const said once = site.said;
    p.received(from, {.what = what});
    EXPECT_EQ(site.said, once);
    return once;
  };
  EXPECT_EQ(taken_back(0, message_kind::submission),
            (said{{2, back, 0}, {3, back, 0}, {0, back, 0}}));
  EXPECT_EQ(taken_back(4, message_kind::tasks), (said{{2, back, 0}, {3, back, 0}, {0, back, 0}}));
  EXPECT_EQ(taken_back(3, message_kind::tasks), (said{{2, back, 0}, {0, back, 0}}))
      << "3 has none any more";

  nowhere holder;
  protocol q(holder, 2, hosts, 1);
  q.enable_stealing(false);
  q.received(0, {.what = message_kind::lifeline});
  q.received(1, {.what = message_kind::lifeline});
  q.received(1, {.what = message_kind::withdrawal});
  q.enable_stealing(true);
  q.offer();
  EXPECT_EQ(holder.given, std::vector{0});
}

TEST(protocol, tells_who_has_more_who_waits) {
  nowhere site;
  const torc::detail::host_map hosts({0, 0, 0, 1, 1});
  protocol p(site, 1, hosts, 1);
  p.enable_stealing(false); // or it would give itself
  for (const int waiting : {2, 3, 0}) {
    p.received(waiting, {.what = message_kind::lifeline});
  }
  p.received(0, {.what = message_kind::tasks});
  EXPECT_TRUE(site.said.empty()) << "who gives has no more";
  p.received(0, {.what = message_kind::tasks, .load = 1});
  EXPECT_EQ(site.said, (std::vector<words>{{0, message_kind::lifeline, 2 + 1},
                                           {0, message_kind::lifeline, 3 + 1}}));
  p.received(0, {.what = message_kind::tasks, .load = 1});
  EXPECT_EQ(site.said.size(), 2u) << "once";
  p.enable_stealing(true);
  p.offer();
  EXPECT_EQ(site.given, (std::vector{2, 3, 0})) << "they wait here as well";
}

TEST(protocol, forgets_those_who_are_lost) {
  nowhere site;
  const torc::detail::host_map hosts({0, 0, 0, 1, 1});
  protocol p(site, 2, hosts, 1);
  p.enable_stealing(false);
  for (const int waiting : {0, 1, 3}) {
    p.received(waiting, {.what = message_kind::lifeline});
  }
  p.lost(1);
  p.received(3, {.what = message_kind::lifeline, .value = 1 + 1}); // who does not know it yet
  p.enable_stealing(true);
  p.offer();
  EXPECT_EQ(site.given, (std::vector{0, 3}));
}

TEST(protocol, parts_when_nothing_is_outstanding) {
  nowhere site;
  const torc::detail::host_map hosts({0, 0, 0});
  protocol p(site, 2, hosts, 1);
  site.waits = true;
  p.leave();
  EXPECT_TRUE(site.said.empty());
  site.waits = false;
  p.offer();
  EXPECT_EQ(site.said, (std::vector<words>{{0, message_kind::goodbye, 0}}));

  nowhere at_root;
  protocol root(at_root, 0, hosts, 1);
  root.received(1, {.what = message_kind::goodbye});
  root.received(2, {.what = message_kind::goodbye});
  at_root.waits = true;
  root.leave();
  EXPECT_FALSE(at_root.has_closed);
  at_root.waits = false;
  root.offer();
  EXPECT_TRUE(at_root.has_closed);
}

TEST(protocol, knows_who_shares_a_host) {
  const torc::detail::host_map hosts({1, 0, 1, 0, 2});
  EXPECT_EQ(hosts.near(0), 2);
  EXPECT_TRUE(hosts.together(0, 2));
  EXPECT_FALSE(hosts.together(0, 1));
  EXPECT_EQ(hosts.near(3, 0), 1);
  EXPECT_EQ(hosts.near(3, 1), 3);
  std::vector<int> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(hosts.far(2, i));
  }
  EXPECT_EQ(others, (std::vector{1, 3, 4}));
  EXPECT_EQ(hosts.near(4), 1);
}

} // namespace
