#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audience_sync/v1/destination.pb.h"
#include "connector/base/error.h"
#include "connector/base/version.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/redirect_listener.h"
#include "connector/cli/rpc_error.h"
#include "connector/pinterest/curl_transport.h"
#include "connector/pinterest/file_ops.h"
#include "connector/pinterest/oauth_client.h"
#include "connector/pinterest/secret_file.h"
#include "connector/pinterest/url.h"
#include "google/protobuf/text_format.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using pinterest::FileOps;

constexpr char kScopes[] = "ads:read,ads:write";
constexpr size_t kMaxFileName = 100;

struct Login {
  std::string credentials_dir;
  pinterest::OAuthApp app;
  audience_sync::v1::Credential credential;
};

bool IsFileName(absl::string_view name) {
  return pinterest::IsSecretFileName(name) && name.size() <= kMaxFileName;
}

// What the flags say, the app secret read from its file. INVALID_ARGUMENT names
// the flag.
absl::StatusOr<Login> ReadFlags() {
  Login login;
  login.credentials_dir = absl::GetFlag(FLAGS_credentials_dir);
  struct stat directory = {};
  if (login.credentials_dir.empty() ||
      stat(login.credentials_dir.c_str(), &directory) != 0 ||
      !S_ISDIR(directory.st_mode)) {
    return FieldError("--credentials_dir",
                      "must name the server's credentials directory");
  }
  login.app.app_id = absl::GetFlag(FLAGS_app_id);
  if (login.app.app_id.empty() ||
      !std::all_of(login.app.app_id.begin(), login.app.app_id.end(),
                   [](char c) { return absl::ascii_isdigit(c); })) {
    return FieldError("--app_id", "must be the app's ID at Pinterest, digits");
  }
  const std::string credential_id = absl::GetFlag(FLAGS_credential_id);
  std::string token_file = absl::GetFlag(FLAGS_refresh_token_file);
  if (token_file.empty()) {
    token_file = absl::StrCat(credential_id, "-refresh-token");
  }
  const std::string secret_file = absl::GetFlag(FLAGS_app_secret_file);
  for (const auto& [flag, name] : {std::pair<const char*, const std::string&>(
                                       "--refresh_token_file", token_file),
                                   std::pair<const char*, const std::string&>(
                                       "--app_secret_file", secret_file)}) {
    if (!IsFileName(name)) {
      return FieldError(flag,
                        "must be a plain file name of letters, digits, '.', "
                        "'_' and '-', at most 100, not a path");
    }
  }
  if (token_file == secret_file) {
    return FieldError("--refresh_token_file",
                      "must be another file than --app_secret_file");
  }
  auto secret = pinterest::ReadSecretFile(
      login.credentials_dir, secret_file, "app secret file",
      "put the app's secret into it and run chmod 600 on it");
  if (!secret.ok()) return secret.status();
  login.app.app_secret = *std::move(secret);
  login.credential.set_credential_id(credential_id);
  login.credential.mutable_oauth()->set_app_id(login.app.app_id);
  login.credential.mutable_oauth()->set_app_secret_file(secret_file);
  login.credential.mutable_oauth()->set_refresh_token_file(token_file);
  return login;
}

// Nobody else can guess it.
std::string MakeState() {
  char random[16];
  if (getrandom(random, sizeof(random), 0) != sizeof(random)) std::abort();
  return absl::BytesToHexString(absl::string_view(random, sizeof(random)));
}

// Gets the tokens for the user's consent. Calls `show` with the URL to open.
template <typename Show>
absl::StatusOr<pinterest::TokenGrant> GetConsent(const Login& login,
                                                 CommandContext& context,
                                                 Show show) {
  pinterest::CurlTransport::Options transport_options;
  transport_options.user_agent =
      absl::StrCat("audiencectl/", kConnectorVersion);
  if (const std::string file = absl::GetFlag(FLAGS_ca_file); !file.empty()) {
    transport_options.ca_file = file;
  }
  auto transport = pinterest::CurlTransport::Create(transport_options);
  if (!transport.ok()) return transport.status();
  pinterest::OAuthClient::Options client_options;
  client_options.base_url = absl::GetFlag(FLAGS_base_url);
  client_options.transport = transport->get();
  client_options.clock = context.environment().clock;
  auto client = pinterest::OAuthClient::Create(client_options);
  if (!client.ok()) return FieldError("--base_url", client.status().message());
  const std::string consent_url = absl::GetFlag(FLAGS_consent_url);
  const auto consent = pinterest::ParseHttpUrl(consent_url);
  if (!consent.ok()) {
    return FieldError("--consent_url", consent.status().message());
  }
  const int port = absl::GetFlag(FLAGS_redirect_port);
  if (port < 0 || port > 65535) {
    return FieldError("--redirect_port", "must be from 0 to 65535");
  }
  auto listener = RedirectListener::Create(static_cast<uint16_t>(port));
  if (!listener.ok()) return listener.status();

  const std::string state = MakeState();
  const std::string redirect =
      absl::StrCat("http://localhost:", (*listener)->port(), "/");
  show(redirect,
       absl::StrCat(
           consent_url, absl::StrContains(consent_url, '?') ? "&" : "?",
           "client_id=", login.app.app_id,
           "&redirect_uri=", pinterest::PercentEncode(redirect),
           "&response_type=code&scope=", pinterest::PercentEncode(kScopes),
           "&state=", state));
  auto code = (*listener)->Await(state, absl::GetFlag(FLAGS_login_timeout));
  if (!code.ok()) return code.status();
  pinterest::GrantResult result =
      (*client)->Exchange(login.app, *code, redirect);
  if (auto* error = std::get_if<pinterest::GrantError>(&result)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "LOGIN_FAILED",
        absl::StrCat("Pinterest gave no tokens: ", error->message,
                     error->kind == pinterest::GrantError::Kind::kAppRefused
                         ? "; see that --app_id and the app secret are right"
                         : ""));
  }
  auto& grant = std::get<pinterest::TokenGrant>(result);
  if (grant.refresh_token.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "LOGIN_FAILED",
                     "Pinterest's answer holds no refresh token");
  }
  return std::move(grant);
}

int Run(CommandContext& context) {
  auto login = ReadFlags();
  if (!login.ok()) return context.Fail(kExitUsage, login.status());
  const std::string token_file = login->credential.oauth().refresh_token_file();
  // Before anybody is asked: can the token be written?
  FileOps& files = FileOps::Real();
  const std::string temporary =
      pinterest::TemporaryPath(login->credentials_dir, token_file);
  absl::Status written = files.Write(temporary, "");
  if (!written.ok()) {
    return context.Fail(
        kExitUsage,
        FieldError("--credentials_dir",
                   absl::StrCat("cannot be written to: ", written.message())));
  }
  auto grant = GetConsent(
      *login, context,
      [&](const std::string& redirect, const std::string& url) {
        context.Warn(absl::StrCat(
            "The app must have this redirect URI at Pinterest: ", redirect,
            "\nOpen this page in a browser on this machine and log in as the "
            "user who manages the ad account:\n",
            url));
      });
  if (!grant.ok()) {
    files.Remove(temporary).IgnoreError();
    return context.Fail(
        absl::IsInvalidArgument(grant.status()) ? kExitUsage : kExitCallFailed,
        grant.status());
  }
  written = pinterest::ReplaceFile(files, login->credentials_dir, token_file,
                                   absl::StrCat(grant->refresh_token, "\n"));
  if (!written.ok()) {
    return context.Fail(
        kExitCallFailed,
        MakeError(absl::StatusCode::kUnavailable, "TOKEN_NOT_WRITTEN",
                  absl::StrCat("the refresh token could not be written: ",
                               written.message())));
  }
  if (context.json()) {
    context.PrintJson(
        nlohmann::ordered_json{{"credential", ToJson(login->credential)}});
    return kExitOk;
  }
  audience_sync::v1::ConnectorConfig config;
  *config.add_credentials() = login->credential;
  std::string text;
  google::protobuf::TextFormat::PrintToString(config, &text);
  context.Warn(absl::StrCat(
      "The refresh token is in \"", token_file,
      "\". A running server takes it within seconds. Its credential:"));
  context.Print(text);
  return kExitOk;
}

}  // namespace

Command LoginCommand() {
  return {
      "login",
      "",
      "Gets the refresh token of a credential: prints the page of Pinterest "
      "to open, waits for the user's consent and writes the token into the "
      "server's credentials directory. Needs no server.",
      {"credentials_dir", "app_id", "app_secret_file", "credential_id",
       "refresh_token_file", "redirect_port", "login_timeout", "base_url",
       "consent_url", "ca_file"},
      0,
      0,
      Run};
}

}  // namespace connector::cli
