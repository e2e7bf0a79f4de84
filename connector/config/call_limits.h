#ifndef CONNECTOR_CONFIG_CALL_LIMITS_H_
#define CONNECTOR_CONFIG_CALL_LIMITS_H_

namespace connector::config {

// The most calls to Pinterest with one credential. 0 is no limit.
struct CallLimits {
  int calls_per_second = 0;
  int writes_per_minute = 0;
  int reads_per_minute = 0;
  // In any 24 hours; counted over restarts.
  int writes_per_day = 0;
  int calls_per_day = 0;
};

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_CALL_LIMITS_H_
