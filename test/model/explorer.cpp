// SPDX-License-Identifier: MIT

// Depth-first search over all states of a program on simulated threads. A state is everything the
// program can read: its heap (an arena), the live parts of all stacks, the store buffers. It is
// saved and restored byte by byte, and not entered a second time.

#include "explorer.hpp"

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <torc/detail/platform.hpp>
#include <utility>

namespace model {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t max_threads = 4, max_buffered = 40, max_cells = 40, stack_bytes = 64 << 10;

struct buffered_store {
  char* address;
  std::uint64_t value;
  std::uint64_t size;
};

struct thread {
  void* saved;                ///< context of the fiber it runs, while it does not
  torc::detail::front* front; ///< its torc_front
  const void* address;
  op want;
  bool woken;
  bool updated; ///< its last access was a locked instruction
  std::uint8_t options;
  std::uint8_t option;   ///< the one chosen
  std::uint8_t unfenced; ///< bits: threads that its barrier still waits for
  unsigned clock;
  unsigned buffered;
  buffered_store buffer[max_buffered];
};

/// Memory on a stack that stores reach through a buffer is kept apart: when they get there, the
/// program may use the place for something else, whose stores the model does not delay.
struct cell {
  const void* address;
  std::uint64_t value;
};

struct {
  std::size_t heap_used;
  std::size_t count;
  std::size_t cells_used;
  cell cells[max_cells]; ///< by address
  thread threads[max_threads];
} state;

alignas(64) char heap[1 << 16];
alignas(64) char native_stacks[max_threads][stack_bytes];

struct range {
  const char* begin;
  const char* end;
  bool has(const void* p) const { return p >= begin && p < end; }
};
struct stack_range : range {
  void** context;
};
std::vector<stack_range> stacks;
struct mortal : range {
  std::uint8_t killers; ///< bits: threads that have ended its life
};
std::vector<mortal> mortals;
range constant;
std::vector<std::pair<const void*, std::string>> names;

/// Which threads have read and written an address, as bits. Accesses that no other thread can
/// notice are no steps of their own (see `notice`).
struct usage {
  const void* address;
  std::uint8_t readers;
  std::uint8_t writers;
};
constexpr std::size_t max_usages = 4096;
usage usages[max_usages];
bool learned = false; ///< something new about sharing

const scenario* running_scenario;
bool in_setup = false;
int current = -1;         ///< the thread whose step it is
void* explorer = nullptr; ///< the explorer's context during a step
const char* error = nullptr;
bool tracing = false;

std::string name_of(const void* p) {
  for (const auto& [address, name] : names) {
    if (address == p) {
      return name;
    }
  }
  char text[32];
  std::snprintf(text, sizeof text, "%p", p);
  return text;
}

/// Lowest live byte of a stack; the running thread's is not saved anywhere.
const char* live_begin(const stack_range& s) {
  for (std::size_t i = 0; i < state.count; ++i) {
    const thread& t = state.threads[i];
    if (t.want != op::ended && s.has(t.saved)) {
      return static_cast<const char*>(t.saved);
    }
  }
  if (s.context != nullptr && s.has(*s.context)) {
    return static_cast<const char*>(*s.context);
  }
  return s.end;
}

bool dead(const void* address) {
  const auto is_dead_byte = [](char c) { return static_cast<unsigned char>(c) == dead_byte; };
  return std::any_of(mortals.begin(), mortals.end(), [&](const mortal& m) {
    return m.has(address) && std::all_of(m.begin, m.begin + 8, is_dead_byte);
  });
}

void check(const void* address) {
  if (address >= heap && address < heap + state.heap_used) {
    if (dead(address)) {
      fail("access to a dead descriptor");
    }
    return;
  }
  const char here = 0;
  for (const stack_range& s : stacks) {
    if (s.has(address)) {
      if (s.has(&here) ? address < &here : address < live_begin(s)) {
        fail("access to a stack frame that has been left");
      }
      return;
    }
  }
  fail("access to memory that is none of the scenario's");
}

/// Notes an access, and says who else reads and writes the address in any execution so far.
usage notice(const void* address, bool write) {
  std::size_t i = reinterpret_cast<std::uintptr_t>(address) * 0x9e3779b97f4a7c15 >> 52;
  while (usages[i].address != nullptr && usages[i].address != address) {
    i = (i + 1) % max_usages;
  }
  usage& u = usages[i];
  const auto self = static_cast<std::uint8_t>(1u << current);
  std::uint8_t& users = write ? u.writers : u.readers;
  learned |= (users & self) == 0;
  u.address = address;
  users |= self;
  if (all_steps) {
    return {address, 0xff, 0xff};
  }
  usage others = u;
  others.readers &= static_cast<std::uint8_t>(~self);
  others.writers &= static_cast<std::uint8_t>(~self);
  for (const mortal& m : mortals) {
    if (m.has(address)) {
      others.writers |= m.killers & static_cast<std::uint8_t>(~self);
    }
  }
  return others;
}

/// A plain access through a pointer out of a dead object.
void on_fault(int) {
  if (current >= 0) {
    fail("a pointer that leads nowhere has been followed");
  }
  std::signal(SIGSEGV, SIG_DFL);
}

void catch_faults() {
  static char stack[stack_bytes];
  const stack_t alternative{stack, 0, sizeof stack};
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_handler = on_fault;
  action.sa_flags = SA_ONSTACK | SA_NODEFER; // it is left without return
  sigaction(SIGSEGV, &action, nullptr);
}

void run_thread(context::transfer_t from) {
  explorer = from.fctx;
  running_scenario->threads[static_cast<std::size_t>(current)]();
  next_step(op::ended);
}

struct transition {
  std::uint8_t thread;
  std::uint8_t what; ///< the option of a step, or `flush`
};
constexpr std::uint8_t flush = 7;
char letter(transition t) { return static_cast<char>('0' + t.what * max_threads + t.thread); }
transition of_letter(char c) {
  return {static_cast<std::uint8_t>(static_cast<std::size_t>(c - '0') % max_threads),
          static_cast<std::uint8_t>(static_cast<std::size_t>(c - '0') / max_threads)};
}

bool on_heap(const void* p) { return p >= heap && p < heap + sizeof heap; }

bool enabled(const thread& t) {
  switch (t.want) {
  case op::step:
    return true;
  case op::drained:
    return t.buffered == 0;
  case op::lock:
    return t.buffered == 0 && read_memory(t.address, 1) == 0;
  case op::barrier:
    return t.unfenced == 0;
  case op::woken:
    return t.woken;
  case op::holds:
    return *static_cast<const std::uint32_t*>(t.address) != 0;
  case op::ended:
    break;
  }
  return false;
}

std::size_t list_transitions(transition* out) {
  std::size_t n = 0;
  for (std::uint8_t i = 0; i < state.count; ++i) {
    const thread& t = state.threads[i];
    if (enabled(t)) {
      for (std::uint8_t option = 0; option < t.options; ++option) {
        out[n++] = {i, option};
      }
    }
    if (t.buffered > 0) {
      out[n++] = {i, flush};
    }
  }
  return n;
}

void take(transition next) {
  thread& t = state.threads[next.thread];
  if (next.what == flush) {
    const buffered_store oldest = t.buffer[0];
    std::copy(t.buffer + 1, t.buffer + t.buffered, t.buffer);
    t.buffer[--t.buffered] = {};
    if (!dead(oldest.address)) { // otherwise nobody may look
      write_memory(oldest.address, static_cast<unsigned>(oldest.size), oldest.value);
    }
    if (t.buffered == 0) {
      for (thread& other : state.threads) {
        other.unfenced &= static_cast<std::uint8_t>(~(1u << next.thread));
      }
    }
    if (tracing) {
      std::printf("   %d  ... %s = %#lx reaches memory\n", next.thread,
                  name_of(oldest.address).c_str(), oldest.value);
    }
    return;
  }
  t.option = next.what;
  current = next.thread;
  std::swap(torc_front, t.front);
  const context::transfer_t back = context::jump_fcontext(std::exchange(t.saved, nullptr), nullptr);
  std::swap(torc_front, t.front);
  current = -1;
  t.saved = back.fctx;
  // What has been left on the stack is not part of the state.
  for (const stack_range& s : stacks) {
    if (s.has(t.saved)) {
      auto* sp = static_cast<char*>(t.saved);
      const std::ptrdiff_t room = std::min<std::ptrdiff_t>(sp - s.begin, 1024);
      std::memset(sp - room, 0, static_cast<std::size_t>(room));
    }
  }
  running_scenario->forget();
}

/// Calls f(begin, bytes) for all that makes up the state.
template <class F>
void visit_state(const F& f) {
  f(reinterpret_cast<char*>(&state), offsetof(decltype(state), cells));
  f(reinterpret_cast<char*>(&state.cells), state.cells_used * sizeof(cell));
  for (std::size_t i = 0; i < state.count; ++i) {
    // First the number of stores, which says how many there are.
    f(reinterpret_cast<char*>(&state.threads[i]), offsetof(thread, buffer));
    f(reinterpret_cast<char*>(&state.threads[i].buffer),
      state.threads[i].buffered * sizeof(buffered_store));
  }
  const char* const skip = constant.begin != nullptr ? constant.begin : heap;
  const char* const on = constant.end != nullptr ? constant.end : heap;
  f(heap, static_cast<std::size_t>(skip - heap));
  f(const_cast<char*>(on), static_cast<std::size_t>(heap + state.heap_used - on));
  for (const stack_range& s : stacks) {
    const char* begin = live_begin(s);
    f(const_cast<char*>(begin), static_cast<std::size_t>(s.end - begin));
  }
}

/// All state is in words. Two lanes; the chance that any two of 10^7 states collide is 3e-6.
std::uint64_t hash_state() {
  std::uint64_t h = 0x9e3779b97f4a7c15, g = 0xc2b2ae3d27d4eb4f;
  visit_state([&](const char* p, std::size_t bytes) {
    for (; bytes >= 8; p += 8, bytes -= 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      h = (h ^ word) * 0xff51afd7ed558ccd;
      h ^= h >> 32;
    }
    g = (g + bytes + h) * 0xc4ceb9fe1a85ec53;
  });
  h ^= g ^ (g >> 29);
  return h != 0 ? h : 1;
}

/// States that have been entered, with the number of executions that lead on from them.
class table {
public:
  table() : entries_(1 << 12) {}
  struct entry {
    std::uint64_t hash;
    double executions; ///< negative while the search is inside
  };
  entry& find(std::uint64_t hash) {
    if (2 * size_ > entries_.size()) {
      std::vector<entry> old(2 * entries_.size());
      old.swap(entries_);
      for (const entry& c : old) {
        if (c.hash != 0) {
          at(c.hash) = c;
        }
      }
    }
    return at(hash);
  }
  void count() { ++size_; }

private:
  entry& at(std::uint64_t hash) {
    std::size_t i = hash >> 7;
    while (entries_[i % entries_.size()].hash != 0 && entries_[i % entries_.size()].hash != hash) {
      ++i;
    }
    return entries_[i % entries_.size()];
  }
  std::vector<entry> entries_;
  std::size_t size_ = 0;
};

struct point {
  std::size_t saved; ///< where its state begins in the trail
  std::uint64_t hash;
  double executions = 0;
  std::uint8_t count = 0, next = 0;
  transition transitions[4 * max_threads];
};

void save(std::vector<char>& trail) {
  visit_state([&](const char* p, std::size_t bytes) { trail.insert(trail.end(), p, p + bytes); });
}
void restore(const char* from) {
  visit_state([&](char* p, std::size_t bytes) {
    std::memcpy(p, from, bytes);
    from += bytes;
  });
}

void prepare(const scenario& s) {
  running_scenario = &s;
  stacks.clear();
  mortals.clear();
  names.clear();
  constant = {};
  error = nullptr;
  std::memset(&state, 0, sizeof state);
  std::memset(heap, 0, sizeof heap);
  state.count = s.threads.size();
  for (std::size_t i = 0; i < state.count; ++i) {
    state.threads[i].want = op::ended;
  }
  in_setup = true;
  torc::detail::front* const outside = torc_front;
  s.setup();
  torc_front = outside;
  in_setup = false;
  for (std::size_t i = 0; i < state.count; ++i) {
    char* const top = native_stacks[i] + stack_bytes;
    thread& t = state.threads[i];
    t.saved = context::make_fcontext(top, stack_bytes, run_thread);
    t.want = op::step;
    t.options = 1;
  }
  s.forget();
}

} // namespace

/// While a scenario is set up, what the tester itself keeps must not come from its heap.
template <class F>
void outside_heap(const F& f) {
  in_setup = false;
  f();
  in_setup = true;
}
bool all_steps = false;

void set_front(std::size_t thread, torc::detail::front* f, void** native_context) {
  state.threads[thread].front = f;
  add_stack(native_stacks[thread], native_stacks[thread] + stack_bytes, native_context);
}
void add_stack(char* low, char* high, void** context) {
  outside_heap([&] { stacks.push_back({{low, high}, context}); });
}
void add_mortal(const void* object, std::size_t size) {
  const char* p = static_cast<const char*>(object);
  outside_heap([&] { mortals.push_back({{p, p + size}, 0}); });
}
void add_constant(const void* begin, const void* end) {
  constant = {static_cast<const char*>(begin), static_cast<const char*>(end)};
}
void add_name(const void* address, const std::string& name) {
  outside_heap([&] { names.emplace_back(address, name.c_str()); });
}

/// Random executions, to learn what is shared.
void learn() {
  std::vector<char> initial;
  save(initial);
  std::uint64_t random = 1;
  for (unsigned walk = 0; walk < 10'000; ++walk) {
    const unsigned burst = walk % 16;
    transition last{};
    for (int steps = 0; steps < 10'000 && error == nullptr; ++steps) {
      transition possible[4 * max_threads];
      const std::size_t n = list_transitions(possible);
      if (n == 0) {
        break;
      }
      random = random * 6364136223846793005 + 1442695040888963407;
      const transition* const again = std::find_if(
          possible, possible + n, [=](transition t) { return letter(t) == letter(last); });
      const bool go_on = again != possible + n && (random >> 60) % 16 > burst;
      last = go_on ? *again : possible[(random >> 33) % n];
      take(last);
    }
    error = nullptr;
    restore(initial.data());
  }
  learned = false;
}

result search(const scenario& s, std::size_t max_states) {
  result r;
  std::vector<char> trail;
  std::vector<point> path;
  table seen;
  const auto enter = [&](std::uint64_t hash) {
    point p;
    p.saved = trail.size();
    p.hash = hash;
    p.count = static_cast<std::uint8_t>(list_transitions(p.transitions));
    if (p.count == 0) {
      for (std::size_t i = 0; i < state.count && error == nullptr; ++i) {
        const op want = state.threads[i].want;
        if (want != op::ended && (want != op::woken || i == 0 || s.at_end == sleepers::no)) {
          error = "deadlock: threads wait for ever";
        }
      }
      if (error == nullptr) {
        error = s.check();
      }
      p.executions = 1;
      ++r.final_states;
    }
    save(trail);
    path.push_back(p);
    ++r.states;
    seen.find(hash) = {hash, -1};
    seen.count();
  };
  enter(hash_state());
  bool fresh = true; // memory is in the state of path.back()
  while (!path.empty() && error == nullptr && !learned) {
    point& p = path.back();
    if (p.next == p.count) {
      const double executions = p.executions;
      seen.find(p.hash).executions = executions;
      trail.resize(p.saved);
      path.pop_back();
      (path.empty() ? r.executions : path.back().executions) += executions;
      fresh = false;
      continue;
    }
    if (!fresh) {
      restore(trail.data() + p.saved);
    }
    take(p.transitions[p.next++]);
    ++r.steps;
    fresh = false;
    if (error != nullptr) {
      break;
    }
    const std::uint64_t hash = hash_state();
    const table::entry& known = seen.find(hash);
    if (known.hash == 0) {
      if (r.states == max_states) {
        r.complete = false;
        break;
      }
      enter(hash);
      fresh = true;
    } else if (known.executions < 0) {
      ++r.cycles;
    } else {
      p.executions += known.executions;
    }
  }
  if (error != nullptr) {
    r.error = error;
    for (const point& p : path) {
      if (p.next > 0) {
        r.choices += letter(p.transitions[p.next - 1]);
      }
    }
  }
  return r;
}

result explore(const scenario& s, std::size_t max_states) {
  catch_faults();
  std::memset(usages, 0, sizeof usages);
  prepare(s);
  learn();
  std::vector<char> initial;
  save(initial);
  for (std::size_t restarts = 0;; ++restarts) {
    result r = search(s, max_states);
    if (!learned) {
      r.restarts = restarts;
      return r;
    }
    learned = false;
    error = nullptr;
    restore(initial.data());
  }
}

void replay(const scenario& s, const std::string& choices) {
  // What `explore` has learnt is needed again: it decides what is a step.
  std::vector<std::uint8_t> killers;
  for (const mortal& m : mortals) {
    killers.push_back(m.killers);
  }
  prepare(s);
  for (std::size_t i = 0; i < mortals.size(); ++i) {
    mortals[i].killers = killers[i];
  }
  tracing = true;
  for (const char c : choices) {
    const transition next = of_letter(c);
    transition possible[4 * max_threads];
    const std::size_t n = list_transitions(possible);
    if (std::none_of(possible, possible + n,
                     [&](transition t) { return letter(t) == letter(next); })) {
      std::printf("   (choice '%c' is not possible here)\n", c);
      break;
    }
    take(next);
    if (error != nullptr) {
      break;
    }
  }
  if (error == nullptr) {
    error = s.check();
  }
  for (std::size_t i = 0; i < state.count; ++i) {
    const thread& t = state.threads[i];
    static constexpr const char* wants[] = {"go on",       "an empty store buffer", "the lock",
                                            "a barrier",   "to be woken",           "a value in",
                                            "nothing more"};
    std::printf("   %zu  wants %s %s, %u stores in its buffer\n", i,
                wants[static_cast<std::size_t>(t.want)],
                t.address != nullptr ? name_of(t.address).c_str() : "", t.buffered);
  }
  tracing = false;
  if (error != nullptr) {
    std::printf("   %s\n", error);
  }
}

// What the program under test calls.

unsigned next_step(op want, const void* address, unsigned options) noexcept {
  if (current < 0) {
    return 0;
  }
  thread& t = state.threads[current];
  t.want = want;
  t.address = address;
  t.options = static_cast<std::uint8_t>(options);
  explorer = context::jump_fcontext(explorer, nullptr).fctx;
  t.want = op::step;
  t.options = 1;
  t.updated = false;
  return t.option;
}

void fail(const char* message) noexcept {
  error = message;
  for (;;) {
    context::jump_fcontext(explorer, nullptr);
  }
}

std::uint64_t read_memory(const void* address, unsigned size) noexcept {
  std::uint64_t value = 0;
  if (on_heap(address)) {
    std::memcpy(&value, address, size);
  } else {
    cell* const end = state.cells + state.cells_used;
    const cell* const c =
        std::find_if(+state.cells, +end, [=](const cell& x) { return x.address == address; });
    value = c != end ? c->value : 0;
  }
  return value;
}

void write_memory(void* address, unsigned size, std::uint64_t value) noexcept {
  if (on_heap(address)) {
    std::memcpy(address, &value, size);
    return;
  }
  cell* const end = state.cells + state.cells_used;
  cell* const c =
      std::find_if(state.cells, end, [=](const cell& x) { return x.address >= address; });
  if (c == end || c->address != address) {
    if (state.cells_used == max_cells) {
      error = "the model has too few cells for stacks";
      return;
    }
    std::copy_backward(c, end, end + 1);
    ++state.cells_used;
  }
  *c = {address, value};
}

std::uint64_t load(const void* address, unsigned size) noexcept {
  if (current >= 0) {
    if (notice(address, false).writers != 0) {
      next_step(op::step, address);
    }
    check(address);
    const thread& t = state.threads[current];
    for (unsigned i = t.buffered; i-- > 0;) {
      if (t.buffer[i].address == address) {
        trace("load (own store)", address, t.buffer[i].value);
        return t.buffer[i].value;
      }
    }
  }
  const std::uint64_t value = read_memory(address, size);
  trace("load", address, value);
  return value;
}

void store(void* address, unsigned size, std::uint64_t value) noexcept {
  if (current < 0) {
    write_memory(address, size, value);
    return;
  }
  if (const usage others = notice(address, true); (others.readers | others.writers) == 0) {
    check(address);
    write_memory(address, size, value);
    trace("store (unshared)", address, value);
    return;
  }
  next_step(op::step, address);
  check(address);
  thread& t = state.threads[current];
  if (t.buffered == max_buffered) {
    fail("the model's store buffer is too small");
  }
  t.buffer[t.buffered++] = {static_cast<char*>(address), value, size};
  trace("store", address, value);
}

void begin_update(const void* address, op want) noexcept {
  next_step(want, address);
  if (current >= 0) {
    notice(address, true);
    check(address);
    state.threads[current].updated = true;
  }
}

void trace(const char* what, const void* address, std::uint64_t value) noexcept {
  if (tracing && current >= 0) {
    const std::string text =
        value > 0xffffffff ? name_of(reinterpret_cast<void*>(value)) : std::to_string(value);
    std::printf("   %d  %s %s: %s\n", current, what, name_of(address).c_str(), text.c_str());
  }
}

void await(const void* word) noexcept { next_step(op::holds, word); }
bool last_was_update() noexcept { return current >= 0 && state.threads[current].updated; }
void end_life(void* object) noexcept {
  for (mortal& m : mortals) {
    if (m.begin == object) {
      const auto self = static_cast<std::uint8_t>(1u << current);
      learned |= (m.killers & self) == 0;
      m.killers |= self;
      std::memset(object, dead_byte, static_cast<std::size_t>(m.end - m.begin));
    }
  }
}
unsigned& thread_clock() noexcept { return state.threads[current].clock; }

void full_barrier() noexcept {
  next_step(op::drained);
  if (current < 0) {
    return;
  }
  thread& t = state.threads[current];
  t.unfenced = 0;
  for (std::size_t i = 0; i < state.count; ++i) {
    // Whose buffer is empty has nothing to do: a later fence would allow nothing else.
    t.unfenced |= static_cast<std::uint8_t>((state.threads[i].buffered > 0) << i);
  }
  trace("barrier begins", nullptr, t.unfenced);
  next_step(op::barrier);
  trace("barrier ends", nullptr, 0);
}

void futex_wait(const std::uint32_t* word, std::uint32_t value) noexcept {
  next_step(op::drained, word);
  if (*word != value) {
    return;
  }
  trace("sleep on", word, value);
  state.threads[current].woken = false;
  next_step(op::woken, word);
}

void futex_wake(const std::uint32_t* word) noexcept {
  next_step(op::drained, word);
  trace("wake", word, *word);
  for (thread& t : state.threads) {
    if (t.want == op::woken && t.address == word && !t.woken) {
      t.woken = true;
      return;
    }
  }
}

namespace {
/// Memory of the program under test; never freed, as an execution is short.
void* allocate(std::size_t size, std::size_t alignment) {
  if (current < 0 && !in_setup) {
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  }
  const std::size_t begin = (state.heap_used + alignment - 1) / alignment * alignment;
  state.heap_used = (begin + size + 7) / 8 * 8;
  return heap + begin;
}
void release(void* p) noexcept {
  if (!on_heap(p)) {
    std::free(p);
  }
}
} // namespace
} // namespace model

void* operator new(std::size_t size) { return model::allocate(size, 16); }
void* operator new(std::size_t size, std::align_val_t a) {
  return model::allocate(size, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { model::release(p); }
void operator delete(void* p, std::size_t) noexcept { model::release(p); }
void operator delete(void* p, std::align_val_t) noexcept { model::release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { model::release(p); }
