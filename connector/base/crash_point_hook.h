#ifndef CONNECTOR_BASE_CRASH_POINT_HOOK_H_
#define CONNECTOR_BASE_CRASH_POINT_HOOK_H_

#include "connector/base/crash_point.h"

namespace connector {

// Calls `hook` at every crash point; nullptr: nobody. Before the threads are
// started that are to see it. For tests: the target of this header is testonly.
inline void SetCrashPointHook(CrashPointHook hook) {
  crash_point_internal::hook.store(hook, std::memory_order_relaxed);
}

}  // namespace connector

#endif  // CONNECTOR_BASE_CRASH_POINT_HOOK_H_
