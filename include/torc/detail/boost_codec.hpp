// SPDX-License-Identifier: MIT
#pragma once

// Classes with a Boost `serialize`, by way of Boost's binary archives.

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <exception>
#include <streambuf>
#include <string>
#include <torc/bytes.hpp>

namespace torc::detail {

inline constexpr unsigned archive_flags =
    boost::archive::no_header | boost::archive::no_codecvt | boost::archive::no_tracking;

/// Makes a stream of a writer.
class writer_buffer final : public std::streambuf {
public:
  explicit writer_buffer(writer& w) : w_(w) {}

private:
  std::streamsize xsputn(const char* s, std::streamsize n) override {
    w_.put(s, static_cast<std::size_t>(n));
    return n;
  }
  int_type overflow(int_type c) override {
    if (!traits_type::eq_int_type(c, traits_type::eof())) {
      w_.put(traits_type::to_char_type(c));
    }
    return traits_type::not_eof(c);
  }

  writer& w_;
};

/// A stream of what is left in a reader.
class reader_buffer final : public std::streambuf {
public:
  explicit reader_buffer(const reader& r) {
    auto* first = reinterpret_cast<char*>(const_cast<std::byte*>(r.rest().data()));
    setg(first, first, first + r.rest().size());
  }
  std::size_t consumed() const noexcept { return static_cast<std::size_t>(gptr() - eback()); }
};

template <class T>
void save_by_boost(writer& w, const T& x) {
  writer_buffer buffer(w);
  boost::archive::binary_oarchive archive(buffer, archive_flags);
  archive << x;
}

template <class T>
T load_by_boost(reader& r) {
  reader_buffer buffer(r);
  T x{};
  try {
    boost::archive::binary_iarchive archive(buffer, archive_flags);
    archive >> x;
  } catch (const bad_message&) {
    throw;
  } catch (const std::exception& e) { // Boost's own, bad_alloc of a mad length, the class's
    throw bad_message(std::string("torc: a received object cannot be restored: ") + e.what());
  }
  r.skip(buffer.consumed());
  return x;
}

} // namespace torc::detail
