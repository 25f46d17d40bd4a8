// SPDX-License-Identifier: MIT
#pragma once

// Which values can travel to another rank, and how they become bytes.

#include <torc/bytes.hpp>
#include <torc/detail/boost_codec.hpp>
#include <torc/detail/kind.hpp>
#include <torc/detail/load_save.hpp>
#include <torc/detail/require_shippable.hpp>
#include <torc/detail/std_codec.hpp>

namespace torc {

/// How a T becomes bytes and is made of them again. Specialise it for a class of your own, with
///
///     static void save(torc::writer& w, const T& x);
///     static T load(torc::reader& r); // throws torc::bad_message if the bytes make no T
///
/// and call `codec<U>` for the parts, in the same order. As it is, it does what there is to do:
///
/// * numbers, enumerations and functions: functions travel as what they are in the program, which
///   is the same on all ranks (`save` throws std::runtime_error for code generated at run time);
/// * std::string, pair, tuple, optional, variant, unique_ptr (which owns what it points to), array,
///   vector, deque, list, the sets and maps, bitset, complex, duration and time_point;
/// * a class that has a Boost `serialize`, by member or free function, and a default constructor;
/// * a class without state, such as a captureless lambda: no bytes;
/// * an aggregate of up to 16 such fields (no bases): field by field.
///
/// Costs a few ns a value, and a copy of what is less than `block_size`: larger vectors and strings
/// of plain values are sent from where they are. The contents of a codec of your own are copied
/// whatever their size, unless it says `static constexpr bool blocks = true;` and promises that
/// `load` only moves what it reads, without looking, and that moving a T copies nothing. Values
/// nested more than 1000 levels deep are refused by std::length_error.
template <class T>
struct codec {
  using built_in = void; ///< a specialisation has no such thing
  static void save(writer& w, const T& x) { detail::save_by_kind<T>(w, x); }
  static T load(reader& r) { return detail::load_by_kind<T>(r); }
};

/// A T can be sent to another rank: `codec<T>` works. Pointers, references and views are not
/// shippable, as what they refer to stays behind, nor are lambdas that capture (see `torc::bind`).
template <class T>
concept shippable = detail::ships<T>();

} // namespace torc
