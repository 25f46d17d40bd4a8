// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

/// C = A * B by quarters: two times four products of half the size, down to 32 x 32.
namespace matmul {

constexpr int leaf = 32;

/// A square matrix in the order in which the recursion visits it: its four quarters one after the
/// other, each stored likewise, down to rows of leaves. Rows of the whole matrix would be a power
/// of two apart, and the cache conflicts between them would be all that is measured.
class matrix {
public:
  explicit matrix(int n)
      : n_(n), elements_(static_cast<std::size_t>(n) * static_cast<std::size_t>(n)) {}

  int size() const { return n_; }
  double* data() { return elements_.data(); }
  const double* data() const { return elements_.data(); }
  void clear() { std::fill(elements_.begin(), elements_.end(), 0.0); }

  double& operator()(int row, int column) { return elements_[index(row, column)]; }
  double operator()(int row, int column) const { return elements_[index(row, column)]; }

private:
  std::size_t index(int row, int column) const {
    int i = 0;
    for (int half = n_ / 2; half >= leaf; half /= 2) {
      i += (row / half * 2 + column / half) * half * half;
      row %= half;
      column %= half;
    }
    return static_cast<std::size_t>(i + row * leaf + column);
  }

  int n_;
  std::vector<double> elements_;
};

/// C += A * B for leaves: the same machine code for every runtime.
[[gnu::noinline]] inline void multiply_leaf(const double* __restrict a, const double* __restrict b,
                                            double* __restrict c) {
  for (int i = 0; i < leaf; ++i)
    for (int k = 0; k < leaf; ++k)
      for (int j = 0; j < leaf; ++j)
        c[i * leaf + j] += a[i * leaf + k] * b[k * leaf + j];
}

/// The quarters of a matrix.
template <class Element>
struct quarters {
  Element *q11, *q12, *q21, *q22;

  quarters(Element* m, int half)
      : q11(m), q12(q11 + half * half), q21(q12 + half * half), q22(q21 + half * half) {}
};

/// Whether c = a * b: c * x = a * (b * x) for a vector x (Freivalds). The elements are small
/// integers, so that nothing is rounded.
inline bool is_product(const matrix& a, const matrix& b, const matrix& c) {
  const auto times = [](const matrix& m, const std::vector<double>& x) {
    std::vector<double> y(x.size());
    for (int i = 0; i < m.size(); ++i)
      for (int j = 0; j < m.size(); ++j)
        y[static_cast<std::size_t>(i)] += m(i, j) * x[static_cast<std::size_t>(j)];
    return y;
  };
  std::vector<double> x(static_cast<std::size_t>(a.size()));
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<double>((i * 2654435761U >> 7) % 17);
  return times(c, x) == times(a, times(b, x));
}

/// Both sizes. `multiply(n, a, b, c)` adds a product to c.
template <class Multiply>
void add(Multiply multiply) {
  const auto measure = [multiply](benchmark::State& state, int n) {
    matrix a(n), b(n), c(n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        a(i, j) = (i * 7 + j * 3) % 11 - 5;
        b(i, j) = (i * 5 + j * 13) % 7 - 3;
      }
    for (auto _ : state) {
      state.PauseTiming();
      c.clear();
      state.ResumeTiming();
      multiply(n, static_cast<const double*>(a.data()), static_cast<const double*>(b.data()),
               c.data());
    }
    bench::check(is_product(a, b, c), "matmul");
    long tasks = 0;
    for (long products = 1, size = n; size >= leaf; size /= 2, products *= 8)
      tasks += products;
    bench::count_tasks(state, tasks);
  };
  bench::add("matmul", [=](auto& state) { measure(state, 2048); });
  bench::add("matmul_1024", [=](auto& state) { measure(state, 1024); });
}

} // namespace matmul
