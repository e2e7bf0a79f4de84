#ifndef CONNECTOR_MEMBERSHIP_RUN_CURSOR_H_
#define CONNECTOR_MEMBERSHIP_RUN_CURSOR_H_

#include <memory>

#include "connector/membership/database.h"
#include "connector/membership/ledger.h"

namespace connector::membership {

// Reads the runs of a range of keys one after the other.
std::unique_ptr<RunCursor> MakeRunCursor(Database& database, KeyRange range);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_RUN_CURSOR_H_
