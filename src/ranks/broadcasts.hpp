// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <mutex>
#include <torc/broadcast.hpp>
#include <utility>

namespace torc::detail {

/// The broadcast values of a rank: copies of those of other ranks, and its own for as long as
/// somebody else keeps them.
class broadcast_table {
public:
  explicit broadcast_table(int rank) : rank_(rank) {}

  void keep(broadcast_key key, const shared_value& value, const std::type_info& type) {
    const std::lock_guard locked(mutex_);
    values_[{key.rank, key.number}] = {&type, key.rank == rank_ ? nullptr : value, value};
  }
  /// Null if there is none of that type.
  shared_value find(broadcast_key key, const std::type_info& type) {
    const std::lock_guard locked(mutex_);
    const auto found = values_.find({key.rank, key.number});
    return found != values_.end() && *found->second.type == type ? found->second.value.lock()
                                                                 : nullptr;
  }
  void forget(broadcast_key key) {
    decltype(values_)::node_type gone; // dies without the lock
    const std::lock_guard locked(mutex_);
    gone = values_.extract({key.rank, key.number});
  }

private:
  struct entry {
    const std::type_info* type;
    shared_value owned; ///< null for one of this rank
    std::weak_ptr<const void> value;
  };
  const int rank_;
  std::mutex mutex_;
  std::map<std::pair<std::int32_t, std::uint64_t>, entry> values_;
};

} // namespace torc::detail
