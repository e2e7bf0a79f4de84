#ifndef CONNECTOR_DELIVERY_LIST_FINDER_H_
#define CONNECTOR_DELIVERY_LIST_FINDER_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::delivery {

// Looks for a list of a name through all pages of an ad account. Names are not
// unique at Pinterest and there is no filter, so every page is read; of several
// lists of the name the oldest counts, so that every look finds the same one.
class ListFinder {
 public:
  // Lists of these ids are not it, nor are those with an id up to
  // `ignored_through` (empty: none).
  ListFinder(std::string name, std::vector<std::string> others,
             std::string ignored_through)
      : name_(std::move(name)),
        others_(std::move(others)),
        ignored_through_(std::move(ignored_through)) {}

  // Where the next page starts; empty for the first.
  const std::string& bookmark() const { return bookmark_; }

  // Takes in a page; true when it was the last.
  bool AddPage(const pinterest::CustomerListPage& page) {
    for (const auto& list : page.items) {
      if (list.name != name_) continue;
      if (!ignored_through_.empty() && !Older(ignored_through_, list.id)) {
        continue;
      }
      if (std::find(others_.begin(), others_.end(), list.id) != others_.end()) {
        continue;
      }
      ++matches_;
      if (newest_.id.empty() || Older(newest_.id, list.id)) newest_ = list;
      if (list_.id.empty() || Older(list.id, list_.id)) list_ = list;
    }
    // A bookmark that stands still would never end.
    const bool last = page.bookmark.empty() || page.bookmark == bookmark_;
    bookmark_ = page.bookmark;
    return last;
  }

  // Empty if no list has the name. Only after the last page.
  const std::string& id() const { return list_.id; }
  // The newest of them.
  const std::string& newest() const { return newest_.id; }
  const pinterest::CustomerList& newest_list() const { return newest_; }
  // The oldest as it was told.
  const pinterest::CustomerList& list() const { return list_; }
  int matches() const { return matches_; }

  // Ids are numbers that grow; they are compared as such.
  static bool Older(absl::string_view a, absl::string_view b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }

 private:
  const std::string name_;
  const std::vector<std::string> others_;
  const std::string ignored_through_;
  std::string bookmark_;
  pinterest::CustomerList list_;
  pinterest::CustomerList newest_;
  int matches_ = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_LIST_FINDER_H_
