#ifndef CONNECTOR_SIMULATOR_CONTROL_H_
#define CONNECTOR_SIMULATOR_CONTROL_H_

#include "simulator/engine.h"
#include "simulator/http_server.h"

namespace simulator {

// The calls below /_simulator: what tests and users look at and change. Without
// authentication; README.md has them all. Thread-safe.
void HandleControl(Engine& engine, const HttpRequest& request,
                   HttpResponse* response);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_CONTROL_H_
