// SPDX-License-Identifier: MIT
#include "scheduler/queue.hpp"

#include <gtest/gtest.h>
#include <list>
#include <thread>
#include <vector>

namespace {

using namespace torc::detail;

constexpr task_type no_task{nullptr, nullptr};

/// Descriptors that do not move, and a front of no worker.
struct owner {
  front f;
  queue q;
  std::list<descriptor> entries;

  descriptor& run() {
    descriptor& d = entries.emplace_back(no_task);
    enter(f, d);
    return d;
  }
  descriptor& spawn() {
    descriptor& d = entries.emplace_back(no_task);
    push(f, d);
    return d;
  }
};

TEST(task_list, keeps_the_order_of_age) {
  std::list<descriptor> d;
  task_list list;
  for (int i = 0; i < 4; ++i) {
    std::construct_at(&d.emplace_back(no_task).shared);
  }
  auto at = d.begin();
  descriptor& a = *at++;
  descriptor& b = *at++;
  descriptor& c = *at++;
  descriptor& e = *at++;
  EXPECT_TRUE(list.empty());
  list.insert_below(nullptr, b);
  list.insert_below(nullptr, e);
  list.insert_below(&b, a);
  list.insert_below(&e, c);
  EXPECT_EQ(list.oldest(), &a);
  EXPECT_EQ(list.newest(), &e);
  EXPECT_EQ(a.shared.newer, &b);
  EXPECT_EQ(b.shared.newer, &c);
  EXPECT_EQ(c.shared.newer, &e);
  list.remove(b);
  list.remove(e);
  list.remove(a);
  EXPECT_EQ(list.oldest(), &c);
  EXPECT_EQ(list.newest(), &c);
  list.remove(c);
  EXPECT_TRUE(list.empty());
}

TEST(queue, thieves_take_the_oldest_and_the_owner_the_newest) {
  owner o;
  o.run();
  descriptor& a = o.spawn();
  descriptor& b = o.spawn();
  descriptor& c = o.spawn();
  EXPECT_TRUE(o.q.looks_empty());
  o.q.publish(o.f);
  EXPECT_FALSE(o.q.looks_empty());
  EXPECT_EQ(a.shared.home, &o.q);
  EXPECT_EQ(o.q.take_for_thief(), &a);
  EXPECT_EQ(a.shared.home, nullptr);
  EXPECT_EQ(o.q.take_for_owner(), &c);
  EXPECT_EQ(o.q.take_for_thief(), &b);
  EXPECT_EQ(o.q.take_for_thief(), nullptr);
  EXPECT_EQ(o.q.take_for_owner(), nullptr);
  EXPECT_TRUE(o.q.looks_empty());
}

TEST(queue, publishes_every_entry_once) {
  owner o;
  o.run();
  descriptor& a = o.spawn();
  o.q.publish(o.f);
  o.q.publish(o.f);
  descriptor& b = o.spawn();
  o.q.publish(o.f);
  EXPECT_EQ(o.q.take_for_thief(), &a);
  EXPECT_EQ(o.q.take_for_thief(), &b);
  EXPECT_EQ(o.q.take_for_thief(), nullptr);
  o.q.publish(o.f);
  EXPECT_EQ(o.q.take_for_thief(), nullptr);
}

TEST(queue, does_not_publish_what_runs) {
  owner o;
  descriptor& root = o.run();
  descriptor& a = o.spawn();
  descriptor& inner = o.run();
  descriptor& b = o.spawn();
  o.q.publish(o.f);
  EXPECT_EQ(root.seen, visibility::passed);
  EXPECT_EQ(inner.seen, visibility::passed);
  EXPECT_EQ(o.q.take_for_thief(), &a);
  EXPECT_EQ(o.q.take_for_thief(), &b);
  EXPECT_EQ(o.q.take_for_thief(), nullptr);
}

TEST(queue, knows_the_parent_of_each_child) {
  owner o;
  descriptor& root = o.run();
  descriptor& a = o.spawn();
  descriptor& b = o.spawn();
  o.q.publish(o.f);
  descriptor& c = o.spawn();
  descriptor& inner = o.run();
  descriptor& d = o.spawn();
  descriptor& e = o.spawn();
  o.q.publish(o.f);
  EXPECT_EQ(a.shared.parent, &root);
  EXPECT_EQ(b.shared.parent, &root);
  EXPECT_EQ(c.shared.parent, &root);
  EXPECT_EQ(d.shared.parent, &inner);
  EXPECT_EQ(e.shared.parent, &inner);
}

TEST(queue, pinned_tasks_are_for_the_owner_alone) {
  owner o;
  descriptor& a = o.entries.emplace_back(no_task);
  descriptor& b = o.entries.emplace_back(no_task);
  std::construct_at(&a.shared);
  std::construct_at(&b.shared);
  o.q.add(o.q.pinned, a);
  EXPECT_TRUE(o.q.looks_empty());
  EXPECT_EQ(o.q.mine, 1u);
  EXPECT_EQ(o.q.take_for_thief(), nullptr);
  o.q.add(o.q.inbox, b);
  EXPECT_FALSE(o.q.looks_empty());
  EXPECT_EQ(o.q.take_for_thief(), &b);
  EXPECT_EQ(o.q.take(o.q.pinned, o.q.pinned.first()), &a);
  EXPECT_EQ(o.q.mine, 0u);
}

TEST(queue, submitted_tasks_come_first_in_first_out_after_children) {
  owner o;
  descriptor& a = o.entries.emplace_back(no_task);
  descriptor& b = o.entries.emplace_back(no_task);
  std::construct_at(&a.shared);
  std::construct_at(&b.shared);
  o.q.add(o.q.inbox, a);
  o.q.add(o.q.inbox, b);
  o.run();
  descriptor& child = o.spawn();
  o.q.publish(o.f);
  EXPECT_EQ(o.q.take_for_owner(), &child);
  EXPECT_EQ(o.q.take_for_owner(), &a);
  EXPECT_EQ(o.q.take_for_thief(), &b);
}

TEST(queue, of_submitted_tasks_the_highest_level_comes_first) {
  owner o;
  descriptor* tasks[4];
  const int level[] = {0, 9, 3, 9};
  for (int i = 0; i < 4; ++i) {
    tasks[i] = &o.entries.emplace_back(no_task);
    std::construct_at(&tasks[i]->shared);
    tasks[i]->level = static_cast<std::uint8_t>(level[i]) & 0x1f;
    o.q.add(o.q.inbox, *tasks[i]);
  }
  std::vector<descriptor*> all;
  for (descriptor* d = o.q.inbox.first(); d != nullptr; d = o.q.inbox.after(*d)) {
    all.push_back(d);
  }
  EXPECT_EQ(all, (std::vector{tasks[1], tasks[3], tasks[2], tasks[0]}));
  EXPECT_EQ(o.q.take_for_owner(), tasks[1]);
  EXPECT_EQ(o.q.take_for_thief(), tasks[3]);
  EXPECT_EQ(o.q.take(o.q.inbox, tasks[0]), tasks[0]); // out of the middle
  EXPECT_EQ(o.q.take_for_thief(), tasks[2]);
  EXPECT_TRUE(o.q.inbox.empty());
  EXPECT_TRUE(o.q.looks_empty());
}

TEST(spinlock, excludes) {
  spinlock lock;
  long count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        lock.lock();
        ++count;
        lock.unlock();
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  EXPECT_EQ(count, 40'000);
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
}

} // namespace
