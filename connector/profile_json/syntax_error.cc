#include "connector/profile_json/syntax_error.h"

#include <string>

#include "nlohmann/json.hpp"

namespace connector::profile_json {
namespace {

// Takes everything and keeps nothing.
class Listener : public nlohmann::json::json_sax_t {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    position_ = static_cast<int64_t>(position);
    return false;
  }

  std::optional<int64_t> position() const { return position_; }

 private:
  std::optional<int64_t> position_;
};

}  // namespace

std::optional<int64_t> FindSyntaxError(absl::string_view text) {
  Listener listener;
  nlohmann::json::sax_parse(text.begin(), text.end(), &listener);
  return listener.position();
}

}  // namespace connector::profile_json
