#ifndef CONNECTOR_MEMBERSHIP_STATEMENT_RUN_H_
#define CONNECTOR_MEMBERSHIP_STATEMENT_RUN_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// What one profile is said to be, without its key. Ascending, no repeats.
struct Statement {
  std::vector<std::string> records;  // encoded
  std::vector<std::pair<SegmentNumber, Change>> memberships;
};

// Collects the statements of one batch in their order.
class StatementBuilder {
 public:
  // `place`: where the statement stands among the changes of the batch, counted
  // from 0; ascending. Records may come in any order and more than once; of
  // memberships of one segment the last one counts.
  void Add(const Holder& holder, uint64_t place,
           absl::Span<const identity_mapping::RecordView> records,
           absl::Span<const std::pair<SegmentNumber, Change>> memberships);

  bool empty() const { return count_ == 0; }
  size_t bytes() const { return body_.size(); }
  // The stored form, where the batch's changes begin at `first_order`.
  std::string Value(EventOrder first_order) const;

 private:
  uint64_t count_ = 0;
  uint64_t place_ = 0;
  std::string body_;
};

// Reads a stored run of statements; the value must outlive it.
class StatementReader {
 public:
  explicit StatementReader(absl::string_view value);

  // False at the end; DATA_LOSS shows in status(). The body is what
  // DecodeStatement() reads.
  bool Next(Holder* holder, EventOrder* order, absl::string_view* body);
  const absl::Status& status() const { return status_; }

 private:
  absl::string_view rest_;
  uint64_t left_ = 0;
  EventOrder order_ = 0;
  absl::Status status_;
};

absl::StatusOr<Statement> DecodeStatement(absl::string_view body);

// A record as it stands in runs: kind, length if the kind has none of its own,
// payload.
void AppendStoredRecord(absl::string_view encoded, std::string* out);
// Reads one from the front of `data` into its encoded form; false if it is
// damaged.
bool ReadStoredRecord(absl::string_view* data, std::string* encoded);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_STATEMENT_RUN_H_
