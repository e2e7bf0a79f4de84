#include "simulator/list_request.h"

#include <simdjson.h>

#include <algorithm>

#include "simulator/record_set.h"

namespace simulator {
namespace {

TextField Text(const simdjson::dom::object& object, const char* name) {
  simdjson::dom::element element;
  if (object.at_key(name).get(element) != simdjson::SUCCESS) return {};
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return {TextField::kOther, ""};
  return {TextField::kText, absl::string_view(text.data(), text.size())};
}

}  // namespace

// The strings of an answer live in the parser.
struct ListRequestParser::Impl {
  simdjson::dom::parser parser;
};

ListRequestParser::ListRequestParser() : impl_(std::make_unique<Impl>()) {}
ListRequestParser::~ListRequestParser() = default;

ListRequest ListRequestParser::Parse(absl::string_view body) {
  ListRequest request;
  request.body_bytes = body.size();
  simdjson::dom::object object;
  if (impl_->parser.parse(body.data(), body.size()).get(object) !=
      simdjson::SUCCESS) {
    return request;
  }
  request.valid = true;
  request.name = Text(object, "name");
  request.records = Text(object, "records");
  request.list_type = Text(object, "list_type");
  request.operation_type = Text(object, "operation_type");
  simdjson::dom::element is_nca;
  if (object.at_key("is_nca").get(is_nca) == simdjson::SUCCESS) {
    request.is_nca_present = true;
    request.is_nca_valid = is_nca.get(request.is_nca) == simdjson::SUCCESS;
  }
  if (request.records.presence == TextField::kText) {
    request.record_count =
        ForEachRecord(request.records.text, [&](absl::string_view record) {
          if (!IsHexDigest(record)) ++request.unhashed_count;
        });
  }
  return request;
}

}  // namespace simulator
