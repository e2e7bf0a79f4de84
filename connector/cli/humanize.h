#ifndef CONNECTOR_CLI_HUMANIZE_H_
#define CONNECTOR_CLI_HUMANIZE_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace connector::cli {

// "1,234,567".
std::string Grouped(int64_t number);

// "512 B", "1.5 MB": powers of 1000, as disks and networks are sold.
std::string HumanBytes(int64_t bytes);

// "7 s", "2:05", "1:02:03".
std::string HumanDuration(absl::Duration duration);

// "2 batches", "1 batch": the noun takes an s, or what `plural` says.
std::string Counted(int64_t number, const std::string& noun,
                    const std::string& plural = "");

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_HUMANIZE_H_
