#ifndef CONNECTOR_BASE_VERSION_H_
#define CONNECTOR_BASE_VERSION_H_

namespace connector {

inline constexpr char kConnectorName[] = "audience-connector";

// Semantic version; this is the only place where it stands.
inline constexpr char kConnectorVersion[] = "0.1.0";

}  // namespace connector

#endif  // CONNECTOR_BASE_VERSION_H_
