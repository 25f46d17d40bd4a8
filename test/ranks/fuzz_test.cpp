// SPDX-License-Identifier: MIT
// An engine that is given any bytes as messages: it acts upon them, or refuses them by
// `bad_message`. Nothing else happens to it. TORC_WORLDS=N for more messages.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>

#include "../session.hpp"
#include "ranks/engine.hpp"
#include "ranks/exception.hpp"
#include "scheduler/scheduler.hpp"
#include "transport/in_process.hpp"

namespace {

using namespace torc::detail;
using number = std::uint64_t;

/// The task that all valid messages are about.
std::map<int, std::string> reference(std::vector<std::string> texts, std::vector<int> numbers) {
  std::map<int, std::string> m;
  for (std::size_t i = 0; i < texts.size() && i < numbers.size(); ++i) {
    m.emplace(numbers[i], texts[i]);
  }
  return m;
}
using call_type = remote_call<decltype(&reference), std::vector<std::string>, std::vector<int>>;

/// Waits for results, of which many come.
struct waiting final : descriptor {
  waiting() : descriptor(table) { within = nullptr; }
  ~waiting() { reset(); }
  void reset() {
    if (ended == outcome::value) result.empty();
    if (ended == outcome::error) take_error();
    ended = outcome::none;
  }
  static void finish(descriptor&) noexcept {}
  static void take_result(descriptor& d, torc::reader* r) {
    if (r != nullptr) {
      load_result(static_cast<waiting&>(d).result, *r);
      d.ended = outcome::value;
    }
  }
  static constexpr task_type table{nullptr, &finish, nullptr, nullptr, &take_result};
  result_slot<std::map<int, std::string>> result;
};

/// Passes everything on; gives blocks of zeros.
class mute final : public transport {
public:
  explicit mute(int r) : rank_(r) {
    page_.pollers.store(1); // keeps the engine's helper away, as `gone` does
  }
  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return 5; }
  std::vector<bytes> gather(const bytes& mine) override { return {5, mine}; }
  void make_pages(const std::vector<int>&) override {}
  rank_page* page(int r) noexcept override { return r == rank_ ? &page_ : nullptr; }
  void expect_losses() override {}
  bool gone(int r) noexcept override { return r == rank_; }
  void lost(int) override {}
  void send(int to, message&&) override {
    EXPECT_TRUE(to >= 0 && to < 5 && to != rank_);
    ++sent;
  }
  void flush() override {}
  void fetch(const arrival& a, std::vector<std::span<std::byte>> to,
             std::function<void()> done) override {
    EXPECT_EQ(to.size(), a.block_sizes.size());
    for (std::size_t i = 0; i < to.size(); ++i) {
      EXPECT_EQ(to[i].size(), a.block_sizes[i]);
      std::memset(to[i].data(), 0, to[i].size());
    }
    done();
  }
  bool poll(receiver&) override { return false; }
  bool flushed() const noexcept override { return true; }
  bool moving() const noexcept override { return false; }
  bool closed() override { return true; }
  number sent = 0;

private:
  int rank_;
  rank_page page_;
};

configuration one_worker() {
  configuration c;
  c.workers = 1;
  return c;
}

/// An engine whose workers do not run, so that the test may hold the token.
struct target {
  explicit target(int rank)
      : wire(rank),
        workers(one_worker()),
        engine((use_scheduler(&workers), workers), wire, {"a", "a", "b", "b", "b"},
               {[](int) {}, [] {}}) {
    workers.place = {.rank = rank, .first_workers = {0, 1, 2, 3, 4, 5}};
  }
  ~target() { clear(); }

  /// What has been accepted is not run.
  void clear() {
    queue& q = workers.workers.front()->shared;
    for (leveled_list* list : {&q.inbox, &q.pinned}) {
      while (descriptor* d = q.take(*list, list->first())) {
        if (d->type->finish == &finish_remote) {
          delete static_cast<remote_task*>(d);
        } else {
          d->type->finish(*d); // part of an spmd
        }
      }
    }
  }

  mute wire;
  scheduler workers;
  rank_engine engine;
};

template <class... Parts>
arrival message_of(int from, header h, const Parts&... parts) {
  torc::writer w;
  w.put(h);
  (w.put(parts), ...);
  return {.from = from, .head = w.take_bytes(), .block_sizes = {}};
}

void append(arrival& a, const torc::writer& w) {
  a.head.insert(a.head.end(), w.bytes().begin(), w.bytes().end());
  for (const auto& block : w.blocks()) {
    a.block_sizes.push_back(block.size());
  }
}

/// One valid message of each kind, in more than one form.
std::vector<arrival> valid_messages() {
  std::vector<arrival> all;
  static const std::vector<std::string> texts{"one", "two", std::string(30'000, 'x')};
  static const std::vector<int> small{1, 2, 3}, large(10'000);
  const auto closure_of = [](torc::writer& w, const std::vector<int>& numbers) {
    save_remote_type(w, call_type::remote);
    torc::codec<decltype(&reference)>::save(w, &reference);
    torc::codec<std::vector<std::string>>::save(w, texts);
    torc::codec<std::vector<int>>::save(w, numbers);
  };
  for (const auto* numbers : {&small, &large}) {
    for (const auto what : {message_kind::tasks, message_kind::submission}) {
      const std::uint16_t tasks = what == message_kind::tasks ? 3 : 1;
      arrival a = message_of(1, {.what = what, .count = tasks});
      torc::writer w;
      if (what == message_kind::submission) {
        w.put(std::int32_t{0});
        w.put(std::uint8_t{0});
        w.put(std::uint8_t{0});
        w.put(std::int64_t{0});
      }
      append(a, w);
      for (int i = 0; i < tasks; ++i) {
        torc::writer body, head;
        closure_of(body, *numbers);
        head.put(task_home{2, 7, 8});
        head.put(static_cast<std::uint8_t>(i));
        head.put(static_cast<std::uint8_t>(i & 1));
        head.put(static_cast<std::uint32_t>(body.bytes().size()));
        head.put(static_cast<std::uint32_t>(body.blocks().size()));
        append(a, head);
        append(a, body);
      }
      all.push_back(std::move(a));
    }
  }
  for (const bool good : {true, false}) {
    arrival a = message_of(2, {.what = message_kind::result}, std::uint32_t{0}, number{1},
                           good ? outcome::value : outcome::error);
    torc::writer w;
    if (good) {
      torc::codec<std::map<int, std::string>>::save(w, reference(texts, small));
    } else {
      save_exception(w, std::make_exception_ptr(std::out_of_range("text")), 2, "b");
    }
    append(a, w);
    all.push_back(std::move(a));
  }
  {
    arrival a = message_of(3, {.what = message_kind::collective}, task_home{3, 1, 1});
    arrival b = message_of(0, {.what = message_kind::run});
    torc::writer w;
    const inline_section no_blocks(w);
    closure_of(w, small);
    append(a, w);
    append(b, w);
    all.push_back(std::move(a));
    all.push_back(std::move(b));
  }
  for (std::uint32_t what : {1u, 2u}) {
    all.push_back(
        message_of(4, {.what = message_kind::collective, .value = what}, task_home{4, 0, 3}));
    all.push_back(message_of(0, {.what = message_kind::run, .value = what}));
  }
  all.push_back(message_of(0, {.what = message_kind::end, .value = 3}));
  all.push_back(message_of(2, {.what = message_kind::stop}, number{2}, std::uint32_t{0}, number{1},
                           std::uint32_t{7}, number{3}));
  all.push_back(message_of(3, {.what = message_kind::ran}));
  all.push_back(message_of(3, {.what = message_kind::goodbye}, rank_statistics{}));
  all.push_back(
      message_of(3, {.what = message_kind::passed_on, .value = 2}, std::uint32_t{0}, number{1}));
  for (const auto what : {message_kind::request, message_kind::lifeline, message_kind::refusal,
                          message_kind::withdrawal, message_kind::close, message_kind::beat}) {
    all.push_back(message_of(2, {.what = what}));
  }
  return all;
}

void mutate(arrival& a, std::mt19937_64& random) {
  const auto draw = [&](number n) { return random() % n; };
  for (number changes = draw(4); changes > 0 && !a.head.empty(); --changes) {
    const std::size_t at =
        draw(2) == 0 ? draw(std::min<number>(a.head.size(), 40)) : draw(a.head.size());
    switch (draw(7)) {
    case 0:
      a.head[at] ^= static_cast<std::byte>(1u << draw(8));
      break;
    case 1:
      a.head[at] = static_cast<std::byte>(draw(256));
      break;
    case 2:
      a.head.resize(at);
      break;
    case 3:
      a.head.insert(a.head.end(), draw(50), static_cast<std::byte>(draw(256)));
      break;
    case 4: { // a number that is likely to hurt
      const number hurtful[] = {0, 1, ~number{0}, number{1} << 63, number{1} << 31, 1 << 16, 100};
      const number x = hurtful[draw(std::size(hurtful))];
      std::memcpy(a.head.data() + at, &x, std::min(sizeof x, a.head.size() - at));
      break;
    }
    case 5:
      if (!a.block_sizes.empty()) a.block_sizes[draw(a.block_sizes.size())] = draw(100'000);
      break;
    default:
      if (draw(2) == 0 && !a.block_sizes.empty()) {
        a.block_sizes.pop_back();
      } else {
        a.block_sizes.push_back(draw(100'000));
      }
    }
  }
  if (draw(10) == 0) {
    a.head.resize(draw(200));
    std::generate(a.head.begin(), a.head.end(), [&] { return static_cast<std::byte>(draw(256)); });
    if (!a.head.empty() && draw(2) == 0) a.head[0] = static_cast<std::byte>(draw(kinds));
  }
}

class engine_of_rank : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(fuzz, engine_of_rank, testing::Values(0, 1, 4));

TEST_P(engine_of_rank, takes_any_bytes) {
  const int rank = GetParam();
  const char* const worlds = std::getenv("TORC_WORLDS");
  const number messages = worlds != nullptr ? std::strtoull(worlds, nullptr, 10) : 35'000;
  const std::vector<arrival> valid = valid_messages();
  std::mt19937_64 random(static_cast<number>(rank) + 1);
  number accepted = 0, refused = 0;
  for (number i = 0; i < messages;) {
    target t(rank); // a new one now and then, as a valid message may end a rank
    for (int k = 0; k < 200 && i < messages; ++k, ++i) {
      arrival a = valid[random() % valid.size()];
      if (random() % 8 == 0) {
        a.from = static_cast<int>(random() % 5);
      }
      if (a.from == rank) {
        a.from = (rank + 1) % 5;
      }
      mutate(a, random);
      waiting expected;
      const task_home home = t.engine.away().add(rank, expected, 1);
      if (random() % 2 == 0 && a.head.size() >= sizeof(header) + 12 &&
          a.head[0] == static_cast<std::byte>(message_kind::result)) {
        std::memcpy(a.head.data() + sizeof(header), &home.slot, 4);
        std::memcpy(a.head.data() + sizeof(header) + 4, &home.generation, 8);
      }
      if (random() % 4 == 0) {
        t.engine.seek();
      }
      try {
        t.engine.handle(a);
        ++accepted;
      } catch (const torc::bad_message&) {
        ++refused;
      }
      t.engine.away().take(home.slot, home.generation);
      t.clear();
    }
  }
  EXPECT_GT(accepted, messages / 20);
  EXPECT_GT(refused, messages / 20);
}

/// As when a task was run again because its rank was thought lost. With blocks, which must be
/// taken.
TEST(engine, drops_a_result_that_nobody_waits_for) {
  target t(0);
  waiting expected;
  const task_home home = t.engine.away().add(0, expected, 1);
  for (int times = 0; times < 2; ++times) {
    arrival a =
        message_of(1, {.what = message_kind::result}, home.slot, home.generation, outcome::value);
    torc::writer w;
    torc::codec<std::map<int, std::string>>::save(w, {{1, times == 0 ? "first" : "second"}});
    append(a, w);
    if (times == 1) a.block_sizes = {100'000};
    t.engine.handle(a);
    EXPECT_EQ(expected.ended, outcome::value);
    EXPECT_EQ(expected.result.get().at(1), "first");
  }
}

} // namespace
