// SPDX-License-Identifier: MIT

// What a task can do while it runs.

#include "simulation/world.hpp"

namespace torc::simulation {

int worker::id() const noexcept { return rank_.id; }

void worker::spawn(task t) {
  rank& r = rank_;
  const bool ours = r.current_.home == r.id && !r.current_.away;
  if (ours && !r.has_job_) { // children of a child: its parent's job counts them as well
    ++r.jobs_[r.current_job_].pending;
  } else {
    ++r.own_job().pending;
  }
  t.home = r.id;
  t.job = r.current_job_;
  r.children_.push(t);
}

bool worker::take_back(task& t) {
  rank& r = rank_;
  if (r.children_.empty()) {
    return false;
  }
  const task& newest = r.children_.newest();
  if (newest.home != r.id || newest.away || newest.job != r.current_job_) {
    return false;
  }
  t = r.children_.pop_newest();
  --r.jobs_[r.current_job_].pending;
  return true;
}

void worker::submit(int to, task t) {
  rank& r = rank_;
  ++r.own_job().pending;
  t.home = r.id;
  t.job = r.current_job_;
  t.submitted = true;
  t.away = to != r.id;
  r.spend(r.world_.machine_.pack);
  message m{.from = r.id, .head = {.what = message_kind::submission, .count = 1}};
  m.tasks.push_back(t);
  if (t.away) {
    ++r.away_;
    r.post(to, header_bytes + r.world_.workload_.bytes(t), std::move(m));
  } else { // when those before it have been sent
    r.world_.at(r.world_.now_ + r.debt_, r.id, event_kind::queues, r.world_.keep(std::move(m)));
  }
}

void worker::wait_for_ever() { ++rank_.own_job().pending; }

void worker::then(task t) {
  rank::job& j = rank_.own_job();
  j.has_after = true;
  j.after = t;
  j.after.home = rank_.current_.home;
  j.after.job = rank_.current_.job;
  j.after.away = rank_.current_.away;
  j.after.pinned = rank_.current_.pinned;
}

} // namespace torc::simulation
