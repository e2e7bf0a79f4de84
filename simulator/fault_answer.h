#ifndef CONNECTOR_SIMULATOR_FAULT_ANSWER_H_
#define CONNECTOR_SIMULATOR_FAULT_ANSWER_H_

#include <string>

#include "nlohmann/json.hpp"
#include "simulator/answer.h"
#include "simulator/faults.h"
#include "simulator/http_server.h"
#include "simulator/rate_limiter.h"

namespace simulator {

// The usual error of a status: Pinterest's words where it has some.
Answer PlainError(int status);

// What a fault makes of the body of an answer about customer lists.
void Distort(const Fault::Action& action, nlohmann::json* body);

// Sets a header in place of one of the same name.
void SetHeader(const std::string& name, const std::string& value,
               Headers* headers);

// The answer as it goes out, with what the fault does to it.
void FillResponse(const Fault::Action& action, bool drop, const Answer& answer,
                  Headers headers, HttpResponse* response);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_FAULT_ANSWER_H_
