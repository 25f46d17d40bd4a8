// SPDX-License-Identifier: MIT

// Tasks that every rank runs at the same time. The root of the tree of ranks begins one after the
// other, so that two of them cannot wait for each other on different ranks. A message of the kinds
// here carries: collective: home, call; run: call; ran: nothing or an exception. The header's value
// says what the call is. A rank that fails tells the root at once, as the others may wait for it in
// a way that nobody can see: ran, with the value 1, number of the call, text.

#include <atomic>
#include <stdexcept>
#include <torc/broadcast.hpp>

#include "ranks/engine.hpp"
#include "ranks/exception.hpp"
#include "scheduler/exception_view.hpp"
#include "scheduler/scheduler.hpp"

namespace torc {
namespace detail {
namespace {

using namespace std::chrono_literals;

/// How long an spmd in which a rank has failed may go on.
constexpr auto others_turn = 10s;

enum class call_kind : std::uint32_t { task, at_once, allow_stealing, forbid_stealing };

/// One rank's part. Pinned to worker 0; with its end the rank's part ends.
struct part final : descriptor {
  explicit part(remote_task* t) : descriptor(table), body(t) {
    std::construct_at(&shared);
    within = nullptr; // it must run, as others wait for it
  }

  static void run(descriptor& d) noexcept {
    auto& self = static_cast<part&>(d);
    const spmd_body mark;
    self.body->type->run(*self.body);
  }
  static void finish(descriptor& d) noexcept {
    auto& self = static_cast<part&>(d);
    current_engine()->part_ended(self.body->ended == outcome::error ? self.body->take_error()
                                                                    : nullptr);
    delete &self;
  }
  static any_function code(const descriptor& d) noexcept {
    const descriptor& body = *static_cast<const part&>(d).body;
    const any_function f = body.type->code(body);
    return f != nullptr ? f : reinterpret_cast<any_function>(body.type->run);
  }
  static constexpr task_type table{&run, &finish, nullptr, nullptr, nullptr, &code};

  std::unique_ptr<remote_task> body;
};

/// What the caller waits for.
struct awaited final : descriptor {
  awaited() : descriptor(table) {}
  static void finish(descriptor& d) noexcept { static_cast<awaited&>(d).done.post(); }
  static void take_result(descriptor& d, reader* r) {
    if (r != nullptr) {
      d.ended = outcome::value;
    }
  }
  static constexpr task_type table{nullptr, &finish, nullptr, nullptr, &take_result};

  void wait() {
    done.wait("an spmd");
    if (ended == outcome::error) {
      std::rethrow_exception(take_error());
    }
  }
  baton done;
};

} // namespace

void rank_engine::run_everywhere(descriptor& home, const writer& call, std::uint32_t what) {
  home.within = nullptr; // it is not stopped
  writer w;
  w.put(away_.add(rank, home, rank));
  w.put(call.bytes().data(), call.bytes().size());
  post(0, {.what = message_kind::collective, .value = what}, std::move(w));
  progress(false);
}

/// Root: begins the next one if none runs.
void rank_engine::start_collective() {
  if (collective_.running || collective_.queue.empty()) {
    return;
  }
  const auto [h, body] = std::move(collective_.queue.front());
  collective_.queue.pop_front();
  reader r(body);
  collective_.home = r.get<task_home>();
  if (!expected_home(collective_.home)) {
    if (losses_ == 0) {
      throw bad_message("torc: a received call for all ranks is from nowhere");
    }
    start_collective(); // nobody waits for this one any more
    return;
  }
  collective_.running = true;
  run_collective(r, {.what = message_kind::run, .value = h.value});
}

void rank_engine::run_collective(reader& r, header h) {
  if (h.value > static_cast<std::uint32_t>(call_kind::forbid_stealing)) {
    throw bad_message("torc: a received call for all ranks is of no known kind");
  }
  const inline_section no_blocks(r); // as in `spmd`
  collective_.unfinished = 1;
  collective_.error.clear();
  ++collective_.number;
  protocol_.for_children([&](int c) {
    ++collective_.unfinished;
    writer w;
    w.put(r.rest().data(), r.rest().size());
    post(c, h, std::move(w));
  });
  switch (static_cast<call_kind>(h.value)) {
  case call_kind::task:
  case call_kind::at_once: {
    try {
      std::unique_ptr<remote_task> task(load_remote_type(r).load(r));
      r.expect_end();
      descriptor* const d = new part(task.release());
      if (static_cast<call_kind>(h.value) == call_kind::task) {
        scheduler_.send(*d, 0, true);
      } else {
        run_at_once(*d);
      }
    } catch (...) { // what the arguments' own loading throws is the part's exception
      part_ended(std::current_exception());
    }
    break;
  }
  case call_kind::allow_stealing:
  case call_kind::forbid_stealing:
    protocol_.enable_stealing(static_cast<call_kind>(h.value) == call_kind::allow_stealing);
    part_ended(nullptr);
    break;
  }
}

void rank_engine::part_ended(const std::exception_ptr& error) noexcept {
  writer w;
  if (error) {
    save_exception(w, error, rank, hosts[static_cast<std::size_t>(rank)]);
    writer note;
    note.put(collective_.number);
    save_value<std::string>(note, text_of(error));
    post(0, {.what = message_kind::ran, .value = 1}, std::move(note));
  }
  post(rank, {.what = message_kind::ran}, std::move(w));
  progress(false);
}

/// Root: the note may be late, as results go another way.
void rank_engine::part_failed(int r, reader& body) {
  const auto number = body.get<std::uint64_t>();
  const auto text = load_value<std::string>(body);
  if (collective_.running && number == collective_.number && collective_.failed < 0) {
    collective_.failed = r;
    collective_.failure = text;
    collective_.failed_at = clock::now();
  }
}

void rank_engine::expect_end_of_collective() const {
  if (clock::now() - collective_.failed_at > others_turn) {
    throw std::runtime_error("an spmd has failed on rank " + std::to_string(collective_.failed) +
                             " on " + hosts[static_cast<std::size_t>(collective_.failed)] +
                             " with " + collective_.failure +
                             ", and others are still in it 10 seconds later");
  }
}

/// Our part, or those of the ranks below a child, have ended.
void rank_engine::collective_ended(reader& r) {
  if (collective_.error.empty()) {
    collective_.error.assign(r.rest().begin(), r.rest().end());
  }
  if (--collective_.unfinished > 0) {
    return;
  }
  writer w;
  if (rank == 0) {
    w.put(collective_.home.slot);
    w.put(collective_.home.generation);
    w.put(collective_.error.empty() ? outcome::value : outcome::error);
  }
  w.put(collective_.error.data(), collective_.error.size());
  if (rank != 0) {
    post(collective_.asked_by, {.what = message_kind::ran}, std::move(w));
    return;
  }
  post(collective_.home.rank, {.what = message_kind::result}, std::move(w));
  collective_.running = false;
  collective_.failed = -1;
  start_collective();
}

void refuse_in_spmd() {
  if (this_worker() != nullptr && this_fiber()->collective) {
    throw std::logic_error("torc: something that all ranks do together, such as spmd, is called in "
                           "the body of an spmd, which cannot end then");
  }
}

spmd_body::spmd_body() noexcept {
  if (this_worker() != nullptr) {
    this_fiber()->collective = true;
  }
}
spmd_body::~spmd_body() {
  if (this_worker() != nullptr) {
    this_fiber()->collective = false;
  }
}

void call_everywhere(const writer& call, bool at_once) {
  awaited all;
  const call_kind what = at_once ? call_kind::at_once : call_kind::task;
  current_engine()->run_everywhere(all, call, static_cast<std::uint32_t>(what));
  all.wait();
}

namespace {
/// Gives a broadcast value up when all have; nobody waits for that.
struct forgetting final : descriptor {
  explicit forgetting(scheduler& s) : descriptor(table), from(s) {}
  static void finish(descriptor& d) noexcept {
    auto& self = static_cast<forgetting&>(d);
    if (self.ended == outcome::error) {
      self.take_error();
    }
    self.from.outside.one_ended();
    delete &self;
  }
  static void take_result(descriptor&, reader*) {}
  static constexpr task_type table{nullptr, &finish, nullptr, nullptr, &take_result};

  scheduler& from;
};

struct forget_copy {
  void operator()(broadcast_key key) const { current_engine()->broadcasts.forget(key); }
};
} // namespace

void forget_broadcast(broadcast_key key) noexcept {
  scheduler* const from = current_scheduler();
  if (current_engine() == nullptr || !from->outside_begins()) {
    return; // the session ends, or has ended
  }
  writer w;
  save_remote_type(w, remote_call<forget_copy, broadcast_key>::remote);
  save_value(w, forget_copy());
  save_value(w, key);
  current_engine()->run_everywhere(*new forgetting(*from), w,
                                   static_cast<std::uint32_t>(call_kind::at_once));
}

broadcast_key next_broadcast_key() {
  static std::atomic<std::uint64_t> last{0};
  return {torc::rank(), ++last};
}
void keep_broadcast(broadcast_key key, const shared_value& value, const std::type_info& type) {
  current_engine()->broadcasts.keep(key, value, type);
}
shared_value find_broadcast(broadcast_key key, const std::type_info& type) {
  rank_engine* const engine = current_engine();
  shared_value value = engine != nullptr ? engine->broadcasts.find(key, type) : nullptr;
  if (value == nullptr) {
    throw bad_message("torc: a broadcast value is asked for that the rank it came from has given "
                      "up, or that is none");
  }
  return value;
}

bool has_ranks() noexcept { return current_engine() != nullptr; }

namespace {
void allow_stealing(bool on) {
  if (rank_engine* const engine = current_engine()) {
    refuse_in_spmd();
    awaited all;
    const call_kind what = on ? call_kind::allow_stealing : call_kind::forbid_stealing;
    engine->run_everywhere(all, writer(), static_cast<std::uint32_t>(what));
    all.wait();
  }
}
} // namespace

} // namespace detail

void enable_stealing() { detail::allow_stealing(true); }
void disable_stealing() { detail::allow_stealing(false); }

} // namespace torc
