// SPDX-License-Identifier: MIT
#include "fiber/fiber.hpp"

#include <boost/context/detail/fcontext.hpp>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <torc/detail/frame.hpp>
#include <unistd.h>
#include <utility>

#include "fiber/sanitizer.hpp"
#include "scheduler/worker.hpp"

namespace torc::detail {
namespace {

namespace context = boost::context::detail;

const std::size_t page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

/// The first thing to do after a switch, on the new fiber.
[[gnu::noinline]] void arrive() noexcept {
  front& f = *this_front();
  fiber& left = *f.self->left;
  const after_switch then = f.self->then;
  sanitizer::finish_switch(*f.running, left);
  if (then.action != nullptr) {
    then.action(left, then.argument);
  }
}

void enter_fiber(context::transfer_t from) {
  this_front()->self->left->context = from.fctx;
  arrive();
  this_fiber()->entry();
}

/// From the running fiber of the present worker to `to`, which has become the running one of `w`.
void jump(fiber& from, fiber& to, worker& w) noexcept {
  auto& runtime = *reinterpret_cast<decltype(from.exceptions)*>(abi::__cxa_get_globals());
  from.exceptions = runtime;
  runtime = to.exceptions;
  w.left = &from;
  sanitizer::start_switch(from, to);
  context::transfer_t t = context::jump_fcontext(to.context, nullptr);
  this_front()->self->left->context = t.fctx;
  arrive();
}

} // namespace

void assume_frames(front& f, const fiber& to) noexcept {
  f.frame_top = to.frame_top;
  f.frame_limit = to.frame_limit;
}

fiber* create_fiber(std::size_t stack_size, void (*entry)()) {
  auto f = std::make_unique<fiber>();
  stack_size = (stack_size + page_size - 1) / page_size * page_size;
  const std::size_t bytes = guard_size + 2 * stack_size;
  void* mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    throw std::bad_alloc();
  }
  // A huge page per stack would cost megabytes where a task needs one small page.
  madvise(mapping, bytes, MADV_NOHUGEPAGE);
  if (mprotect(mapping, guard_size, PROT_NONE) != 0) {
    munmap(mapping, bytes);
    throw std::bad_alloc();
  }
  f->mapping = static_cast<char*>(mapping);
  f->stack_size = stack_size;
  char* const middle = f->mapping + guard_size + stack_size;
  f->frame_base = f->frame_top = middle + frame_alignment - frame_header;
  f->frame_limit = middle + stack_size;
  // Tops of equal alignment would all fall into the same cache sets.
  static atomic<unsigned> count{0};
  const std::size_t colour = (count.fetch_add(1, std::memory_order_relaxed) % 16) * 128;
  f->context = context::make_fcontext(middle - colour, stack_size - colour, enter_fiber);
  f->entry = entry;
  f->sanitizer_fiber = sanitizer::create();
  f->native_stack = f->mapping + guard_size;
  f->native_size = stack_size;
  return f.release();
}

void destroy_fiber(fiber* f) noexcept {
  sanitizer::destroy(f->sanitizer_fiber);
  sanitizer::forget_stack(*f);
  munmap(f->mapping, guard_size + 2 * f->stack_size);
  delete f;
}

fiber* adopt_thread() {
  auto* f = new fiber; // without a stack for coroutine frames: they come from the heap
  f->sanitizer_fiber = sanitizer::current();
  return f;
}

void release_thread(fiber* f) noexcept { delete f; }

[[gnu::noinline]] void switch_to(fiber& to, after_switch then) noexcept {
  front& f = *this_front();
  fiber& from = *f.running;
  from.frame_top = f.frame_top;
  f.head.store(std::exchange(to.head, nullptr), std::memory_order_release);
  assume_frames(f, to);
  f.running = &to;
  f.self->then = then;
  jump(from, to, *f.self);
}

[[gnu::noinline]] void switch_worker(worker& to) noexcept {
  fiber& from = *this_fiber();
  to.then = {};
  torc_front = &to.own;
  jump(from, *to.own.running, to);
}

fiber_pool::~fiber_pool() {
  while (idle_ != nullptr) {
    destroy_fiber(std::exchange(idle_, idle_->next));
  }
}

fiber* fiber_pool::acquire() noexcept {
  {
    const std::lock_guard locked(lock_);
    if (idle_ != nullptr) {
      --idle_count_;
      return std::exchange(idle_, idle_->next);
    }
    ++created_;
  }
  try {
    fiber* const f = create_fiber(stack_size_, entry_);
    add(*f);
    return f;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr,
                 "torc: no stack for another fiber (%zu are in use, of %zu KiB each): lower "
                 "TORC_STACK_SIZE, or raise vm.max_map_count, of which each takes 2\n",
                 in_use(), stack_size_ / 1024);
    std::fflush(nullptr);
    std::_Exit(1);
  }
}

void fiber_pool::release(fiber* f) noexcept {
  assert(f->frame_top == f->frame_base && f->head == nullptr); // nothing is left of its tasks
  {
    const std::lock_guard locked(lock_);
    if (idle_count_ < keep) {
      f->next = std::exchange(idle_, f);
      ++idle_count_;
      return;
    }
    --created_;
  }
  remove(*f);
  destroy_fiber(f);
}

void fiber_pool::add(fiber& f) {
  const std::lock_guard locked(lock_);
  f.number = all_.size();
  all_.push_back(&f);
}

void fiber_pool::remove(fiber& f) noexcept {
  const std::lock_guard locked(lock_);
  all_.back()->number = f.number;
  all_[f.number] = all_.back();
  all_.pop_back();
}

std::size_t fiber_pool::in_use() const noexcept {
  const std::lock_guard locked(lock_);
  return created_ - idle_count_;
}

} // namespace torc::detail
