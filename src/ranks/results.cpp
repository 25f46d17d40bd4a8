// SPDX-License-Identifier: MIT

// Results as bytes: the slot and generation of the task's home, how it ended, and the value or the
// exception.

#include <utility>

#include "ranks/engine.hpp"
#include "ranks/exception.hpp"
#include "scheduler/code_name.hpp"
#include "scheduler/stop.hpp"

namespace torc::detail {

void finish_remote(descriptor& d) noexcept {
  current_engine()->send_home(static_cast<remote_task&>(d));
}

void rank_engine::send_home(remote_task& t) noexcept {
  std::shared_ptr<remote_task> owner(&t);
  const int home = t.home.rank;
  writer w;
  const inline_section no_blocks(w, home == rank || survive()); // a message to oneself has none
  w.put(t.home.slot);
  w.put(t.home.generation);
  if (t.ended == outcome::skipped) {
    t.fail(cancelled_error());
  }
  if (t.ended == outcome::value) {
    const std::size_t size = w.bytes().size();
    try {
      w.put(outcome::value);
      t.save_result(w);
    } catch (...) {
      w.truncate(size, 0);
      w.put(outcome::error);
      save_exception(w, std::current_exception(), rank, hosts[static_cast<std::size_t>(rank)]);
    }
  } else {
    w.put(outcome::error);
    save_exception(w, t.take_error(), rank, hosts[static_cast<std::size_t>(rank)]);
  }
  const bool keep = !w.blocks().empty();
  post(home, {.what = message_kind::result}, std::move(w), keep ? std::move(owner) : nullptr);
  guests_.fetch_sub(1);
  progress(false);
}

void rank_engine::accept_result(arrival& a, reader& r) {
  const auto slot = r.get<std::uint32_t>();
  const auto generation = r.get<std::uint64_t>();
  const auto ended = r.get<outcome>();
  if (ended != outcome::value && ended != outcome::error) {
    throw bad_message("torc: a received result is neither a value nor an exception");
  }
  descriptor* const d = away_.take(slot, generation);
  std::vector<std::span<std::byte>> to;
  std::vector<bytes> dropped; // blocks that belong nowhere
  const auto drop = [&] {
    for (const std::size_t n : a.block_sizes) {
      to.emplace_back(dropped.emplace_back(n));
    }
  };
  if (d == nullptr) { // nobody waits for it any more: the task has been run twice
    drop();
  } else {
    try {
      if (ended == outcome::error) {
        std::exception_ptr error = load_exception(r);
        if (d->type->finish == &finish_submitted) {
          note_place(error, place_offset(static_cast<submitted*>(d)->place));
        }
        d->type->take_result(*d, nullptr);
        d->fail(std::move(error));
      } else {
        d->type->take_result(*d, &r);
        r.expect_end();
        to = r.take_destinations();
      }
    } catch (...) { // the result's own loading failed
      if (d->ended == outcome::value) {
        throw;
      }
      d->type->take_result(*d, nullptr);
      d->fail(std::current_exception());
      drop();
    }
  }
  if (to.size() != a.block_sizes.size()) {
    throw bad_message("torc: a received result has blocks that belong nowhere");
  }
  const auto sink = std::make_shared<decltype(dropped)>(std::move(dropped));
  when_complete(a, std::move(to), [d, sink] {
    if (d != nullptr) {
      d->type->finish(*d);
    }
  });
}

} // namespace torc::detail
