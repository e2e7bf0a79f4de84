#ifndef CONNECTOR_PINTEREST_DESCRIPTOR_H_
#define CONNECTOR_PINTEREST_DESCRIPTOR_H_

#include <unistd.h>

namespace connector::pinterest {

// Owns a file descriptor; a negative one is none.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_DESCRIPTOR_H_
