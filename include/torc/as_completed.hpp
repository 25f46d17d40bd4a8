// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <torc/detail/stream_iterator.hpp>
#include <torc/future.hpp>
#include <vector>

namespace torc {

namespace detail {

class baton;

/// Tasks that have ended, in this order, and who waits for the next.
class completion_queue {
public:
  struct entry : listener {
    submitted* task = nullptr;
    completion_queue* queue = nullptr;
    entry* next_done = nullptr;
    std::size_t position = 0;
  };
  void add(entry& e) noexcept;
  /// Waits for the next one, which the caller knows there is. A stop point.
  entry& next();

private:
  static void on_end(listener& l) noexcept;
  spinlock lock_;
  entry* first_ = nullptr;
  entry* last_ = nullptr;
  baton* waiting_ = nullptr;
};

} // namespace detail

/// The futures of a range in the order in which their tasks end. See `as_completed`.
template <class R>
class completion_stream {
public:
  explicit completion_stream(std::vector<future<R>*> futures)
      : futures_(std::move(futures)),
        entries_(std::make_unique<detail::completion_queue::entry[]>(futures_.size())) {
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      entries_[i].position = i;
      entries_[i].task = detail::access::state(*futures_[i]); // may throw
    }
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      detail::retain(*entries_[i].task); // the future may be moved from once it has been given
      queue_.add(entries_[i]);
    }
  }
  completion_stream(const completion_stream&) = delete;
  completion_stream& operator=(const completion_stream&) = delete;
  ~completion_stream() {
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      detail::unlisten(*entries_[i].task, entries_[i]);
      detail::release(*entries_[i].task);
    }
  }

  /// An operation: the next future whose task has ended, or null after the last.
  auto next() {
    return detail::operation([this] { return advance(); });
  }

  using iterator = detail::stream_iterator<completion_stream, future<R>>;
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

private:
  friend iterator;
  future<R>* advance() {
    if (given_ == futures_.size()) {
      return nullptr;
    }
    future<R>* const next = futures_[queue_.next().position];
    ++given_;
    return next;
  }

  std::vector<future<R>*> futures_;
  std::unique_ptr<detail::completion_queue::entry[]> entries_;
  detail::completion_queue queue_;
  std::size_t given_ = 0;
};

/// The futures of a range, each as soon as its task has ended:
///
///     for (auto& f : torc::as_completed(futures)) use(f.get());
///     while (auto* f = co_await stream.next()) use(f->get());
///
/// The futures must outlive the stream. Waiting suspends the calling task.
template <detail::future_range Range>
auto as_completed(Range&& futures) {
  static_assert(std::is_lvalue_reference_v<Range> || std::ranges::view<Range>,
                "torc::as_completed refers to the futures: keep their container in a variable");
  static_assert(!std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<Range>>>,
                "torc::as_completed gives the futures themselves: they must not be const");
  using R = typename std::remove_cvref_t<std::ranges::range_reference_t<Range>>::value_type;
  std::vector<future<R>*> pointers;
  for (auto& f : futures) {
    pointers.push_back(&f);
  }
  return completion_stream<R>(std::move(pointers));
}

} // namespace torc
