// SPDX-License-Identifier: MIT

// Makes a set of images for the example `images`: a folder for each kind of image, three quarters
// of them JPEG, the others PNG, of different sizes.
//
//     image_set FOLDER [NUMBER]        2000 images unless given

#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <torc/torc.hpp>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct image {
  int width, height;
  std::vector<std::uint8_t> rgb;
};

constexpr const char* kinds[] = {"discs", "rings", "stripes", "squares"};

/// Whether a point, in coordinates from -1 to 1, belongs to the figure.
bool inside(int kind, double x, double y) {
  const double r = std::hypot(x, y);
  switch (kind) {
  case 0:
    return r < 0.7;
  case 1:
    return r > 0.4 && r < 0.8;
  case 2:
    return std::sin(12 * x + 5 * y) > 0;
  default:
    return std::abs(x) < 0.6 && std::abs(y) < 0.6;
  }
}

image draw(int kind, std::mt19937& random) {
  std::uniform_int_distribution<int> side(200, 400), shade(0, 255), grain(-12, 12);
  image im{side(random), side(random), {}};
  const int figure[3] = {shade(random), shade(random), shade(random)};
  for (int y = 0; y < im.height; ++y) {
    for (int x = 0; x < im.width; ++x) {
      const bool in = inside(kind, 2.0 * x / im.width - 1, 2.0 * y / im.height - 1);
      for (const int colour : figure) {
        const int value = (in ? colour : 255 * y / im.height) + grain(random);
        im.rgb.push_back(static_cast<std::uint8_t>(std::clamp(value, 0, 255)));
      }
    }
  }
  return im;
}

void write_jpeg(const image& im, const std::string& path) {
  const tjhandle codec = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int failed = tjCompress2(codec, im.rgb.data(), im.width, 0, im.height, TJPF_RGB, &bytes,
                                 &size, TJSAMP_420, 90, 0);
  std::ofstream file(path, std::ios::binary);
  if (failed == 0) file.write(reinterpret_cast<const char*>(bytes), static_cast<long>(size));
  tjFree(bytes);
  tjDestroy(codec);
  if (failed != 0 || !file.flush()) throw std::runtime_error("cannot write " + path);
}

void write_png(const image& im, const std::string& path) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(im.width);
  header.height = static_cast<png_uint_32>(im.height);
  header.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&header, path.c_str(), 0, im.rgb.data(), 0, nullptr) == 0)
    throw std::runtime_error("cannot write " + path + ": " + header.message);
}

int app(int argc, char** argv) {
  const int number = argc == 2 ? 2000 : argc == 3 ? std::atoi(argv[2]) : 0;
  if (number < 1 || number > 1'000'000 || argv[1][0] == '-') {
    std::fprintf(stderr, "usage: image_set FOLDER [NUMBER]        (1 to 1,000,000)\n");
    return 2;
  }
  const fs::path folder = argv[1];
  for (const char* kind : kinds)
    fs::create_directories(folder / kind);

  const auto make = [&folder](int i) {
    std::mt19937 random(static_cast<unsigned>(i)); // the same image each time
    const int kind = i % 4;
    const image im = draw(kind, random);
    const std::string path = folder / kinds[kind] / std::to_string(i);
    if (i / 4 % 4 == 3)
      write_png(im, path + ".png");
    else
      write_jpeg(im, path + ".jpg");
  };
  torc::for_each(make, std::views::iota(0, number)).get();
  std::printf("%d images in %s\n", number, argv[1]);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return torc::start(argc, argv, app);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "image_set: %s\n", e.what());
    return 1;
  }
}
