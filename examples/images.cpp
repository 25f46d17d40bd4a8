// SPDX-License-Identifier: MIT

// Preprocessing of images, as for deep learning: all images below a folder, whose subfolders say
// what they show, are read, made 32 x 32 pixels large and written to one HDF5 file. A program that
// begins as any MPI program does, the same on all ranks, and switches to master and workers late.
// Without the name of a file it measures how well the ranks share the work.
//
//     image_set pictures && mpirun -n 2 images pictures pictures.h5
//     TORC_WORKERS=1 mpirun -n 2 images pictures

#include <hdf5.h>
#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <torc/torc.hpp>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr std::size_t side = 32;

struct image {
  std::size_t width, height;
  std::vector<std::uint8_t> rgb;
};

struct tensor {
  std::array<std::uint8_t, side * side * 3> rgb;
  int label;
};

// Every rank finds the same ones, so that a task is told its image by a number.
std::vector<std::string> files;
std::vector<std::string> labels;

std::string label_of(const std::string& file) {
  return fs::path(file).parent_path().filename().string();
}

void find_files(const char* folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".jpg" || extension == ".png") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  for (const std::string& file : files)
    labels.push_back(label_of(file));
  std::ranges::sort(labels);
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
}

image read_jpeg(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());
  const tjhandle codec = tjInitDecompress();
  int width = 0, height = 0, subsampling = 0, colours = 0;
  image im{};
  int failed =
      tjDecompressHeader3(codec, bytes, content.size(), &width, &height, &subsampling, &colours);
  if (failed == 0) {
    im = {static_cast<std::size_t>(width), static_cast<std::size_t>(height), {}};
    im.rgb.resize(im.width * im.height * 3);
    failed =
        tjDecompress2(codec, bytes, content.size(), im.rgb.data(), width, 0, height, TJPF_RGB, 0);
  }
  const std::string why = failed == 0 ? "" : tjGetErrorStr2(codec);
  tjDestroy(codec);
  if (failed != 0) throw std::runtime_error(path + ": " + why);
  return im;
}

image read_png(const std::string& path) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  image im{};
  if (png_image_begin_read_from_file(&header, path.c_str()) != 0) {
    header.format = PNG_FORMAT_RGB;
    im = {header.width, header.height, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(header))};
    png_image_finish_read(&header, nullptr, im.rgb.data(), 0, nullptr);
  }
  if (PNG_IMAGE_FAILED(header)) throw std::runtime_error(path + ": " + header.message);
  return im;
}

/// The mean of the pixels of `im` that belong to pixel (x, y) of the smaller image.
std::array<std::uint8_t, 3> mean(const image& im, std::size_t x, std::size_t y) {
  const std::size_t left = x * im.width / side, top = y * im.height / side;
  const std::size_t right = std::max((x + 1) * im.width / side, left + 1);
  const std::size_t bottom = std::max((y + 1) * im.height / side, top + 1);
  std::array<std::size_t, 3> sum{};
  for (std::size_t j = top; j < bottom; ++j)
    for (std::size_t i = left; i < right; ++i)
      for (std::size_t c = 0; c < 3; ++c)
        sum[c] += im.rgb[(j * im.width + i) * 3 + c];
  const std::size_t pixels = (right - left) * (bottom - top);
  return {static_cast<std::uint8_t>(sum[0] / pixels), static_cast<std::uint8_t>(sum[1] / pixels),
          static_cast<std::uint8_t>(sum[2] / pixels)};
}

tensor process(int i) {
  const std::string& file = files[static_cast<std::size_t>(i)];
  const image im = file.ends_with(".png") ? read_png(file) : read_jpeg(file);
  tensor t;
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x)
      std::ranges::copy(mean(im, x, y), &t.rgb[(y * side + x) * 3]);
  t.label = static_cast<int>(std::ranges::lower_bound(labels, label_of(file)) - labels.begin());
  return t;
}

std::vector<tensor> process_all() {
  const auto numbers = std::views::iota(0, static_cast<int>(files.size()));
  return torc::map(process, numbers, torc::chunk{32}).get();
}

template <class T>
void write(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& shape,
           const std::vector<T>& data) {
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const herr_t failed = H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
  H5Dclose(set);
  H5Sclose(space);
  if (failed < 0) throw std::runtime_error(std::string("cannot write the data set ") + name);
}

void preprocess(const char* target) {
  const double begin = torc::wtime();
  const std::vector<tensor> tensors = process_all();
  std::printf("%zu images of %zu kinds in %.2f s\n", files.size(), labels.size(),
              torc::wtime() - begin);

  std::vector<std::uint8_t> x;
  std::vector<int> y;
  for (const tensor& t : tensors) {
    x.insert(x.end(), t.rgb.begin(), t.rgb.end());
    y.push_back(t.label);
  }
  const hid_t file = H5Fcreate(target, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) throw std::runtime_error(std::string("cannot create ") + target);
  write(file, "x", H5T_NATIVE_UINT8, {tensors.size(), side, side, 3}, x);
  write(file, "y", H5T_NATIVE_INT, {tensors.size()}, y);
  if (H5Fclose(file) < 0) throw std::runtime_error(std::string("cannot write ") + target);
  std::printf("written: %s, mean value %.2f\n", target,
              std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size()));
}

/// The median of three times for all images.
double seconds() {
  std::array<double, 3> times;
  for (double& time : times) {
    const double begin = torc::wtime();
    static_cast<void>(process_all());
    time = torc::wtime() - begin;
  }
  std::ranges::sort(times);
  return times[1];
}

void print_row(int ranks, double time, double efficiency) {
  std::printf("%5d %9.2f %9.0f %10.0f%%\n", ranks, time, static_cast<double>(files.size()) / time,
              100 * efficiency);
}

/// All ranks, and beside them rank 0 alone, from which nobody takes tasks.
void measure() {
  const double all = seconds();
  torc::disable_stealing();
  const double one = seconds();
  std::printf("ranks   seconds  images/s  efficiency\n");
  print_row(1, one, 1);
  if (torc::num_ranks() > 1) print_row(torc::num_ranks(), all, one / (torc::num_ranks() * all));
}

} // namespace

int main(int argc, char** argv) {
  torc::init(); // from here on each rank does this
  if (argc < 2 || argc > 3 || !fs::is_directory(argv[1])) {
    if (torc::rank() == 0) std::fprintf(stderr, "usage: images FOLDER [FILE.h5]\n");
    torc::shutdown();
    return 2;
  }
  find_files(argv[1]);

  torc::launch(nullptr); // from here on only rank 0; the others run its tasks
  int exit_code = 0;
  try {
    if (argc == 3)
      preprocess(argv[2]);
    else
      measure();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "images: %s\n", e.what());
    exit_code = 1;
  }
  torc::shutdown();
  return exit_code;
}
