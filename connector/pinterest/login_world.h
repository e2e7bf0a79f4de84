#ifndef CONNECTOR_PINTEREST_LOGIN_WORLD_H_
#define CONNECTOR_PINTEREST_LOGIN_WORLD_H_

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/pinterest/file_ops.h"
#include "connector/pinterest/oauth_client.h"
#include "connector/pinterest/oauth_token_source.h"
#include "connector/pinterest/token_vault.h"

namespace connector::pinterest {

// Counts the steps that change something outside of the process, and lets the
// process die at one of them: from then on nothing has an effect any more.
struct StepCounter {
  int steps = 0;
  int die_at = -1;
  bool dead = false;

  // Whether this step still happens.
  bool Step() {
    if (dead) return false;
    if (steps++ == die_at) dead = true;
    return !dead;
  }
};

// Files in memory. A crash takes back what was not synced: contents, names, or
// not, as a coin decides.
class FakeFileOps final : public FileOps {
 public:
  FakeFileOps(StepCounter* steps, Random* random)
      : steps_(steps), random_(random) {}

  absl::StatusOr<std::string> Read(const std::string& path) override {
    const auto found = names_.find(path);
    if (found == names_.end()) return absl::NotFoundError("not there");
    return *found->second.now;
  }
  absl::Status Write(const std::string& path,
                     absl::string_view content) override {
    if (Fails()) return absl::UnavailableError("write: no space");
    File& file = names_[path];
    if (file.now == nullptr) file.now = std::make_shared<std::string>();
    *file.now = std::string(content);
    return absl::OkStatus();
  }
  absl::Status Sync(const std::string& path) override {
    if (Fails()) return absl::UnavailableError("sync: I/O error");
    File& file = names_.at(path);
    file.synced = std::make_shared<std::string>(*file.now);
    return absl::OkStatus();
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (Fails()) return absl::UnavailableError("rename: I/O error");
    names_[to] = names_.at(from);
    names_.erase(from);
    return absl::OkStatus();
  }
  absl::Status SyncDirectory(const std::string&) override {
    if (Fails()) return absl::UnavailableError("sync: I/O error");
    durable_ = names_;
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& path) override {
    if (Fails()) return absl::UnavailableError("remove: I/O error");
    names_.erase(path);
    return absl::OkStatus();
  }

  // What a machine that starts again finds.
  void Crash() {
    std::map<std::string, File> found =
        random_->Next() % 2 == 0 ? durable_ : names_;
    for (auto entry = found.begin(); entry != found.end();) {
      File& file = entry->second;
      if (file.synced == nullptr) {
        entry = found.erase(entry);
        continue;
      }
      file.now = std::make_shared<std::string>(*file.synced);
      ++entry;
    }
    names_ = found;
    durable_ = found;
  }

  // What is certain to be found after a crash, or "".
  std::string Durable(const std::string& path) const {
    const auto found = durable_.find(path);
    if (found == durable_.end() || found->second.synced == nullptr) return "";
    return *found->second.synced;
  }

  // Every operation fails while it is set.
  bool broken = false;
  // One operation in so many fails; 0: none.
  int fail_one_in = 0;

 private:
  struct File {
    std::shared_ptr<std::string> now;
    std::shared_ptr<std::string> synced;
  };

  bool Fails() {
    if (!steps_->Step()) return true;
    return broken ||
           (fail_one_in > 0 &&
            random_->Next() % static_cast<uint64_t>(fail_one_in) == 0);
  }

  StepCounter* const steps_;
  Random* const random_;
  std::map<std::string, File> names_;
  std::map<std::string, File> durable_;
};

// The token endpoint and its tokens. Thread-safe.
class FakeEndpoint final : public HttpTransport {
 public:
  enum class OldToken {
    kLives,
    // Dies when the new refresh token or its access token is first used.
    kDiesWhenTheNewIsUsed,
    kDiesAtOnce,
  };
  enum class Fault { kNone, kRefused, kLostRequest, kLostAnswer, kUnreadable };

  FakeEndpoint(StepCounter* steps, Clock* clock)
      : steps_(steps), clock_(clock) {}

  HttpResult Perform(const HttpRequest& request) override {
    if (on_request) on_request();
    absl::MutexLock lock(&mutex_);
    requests_.push_back(request);
    TransportError lost;
    lost.message = "Timeout was reached";
    if (!steps_->Step() || fault == Fault::kLostRequest) return lost;
    if (status != 200) {
      HttpResponse response;
      response.status = status;
      response.body = R"({"code":2,"message":"no"})";
      return response;
    }
    std::map<std::string, std::string> form;
    for (absl::string_view pair : absl::StrSplit(request.body, '&')) {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(pair, absl::MaxSplits('=', 1));
      form.insert(parts);
    }
    HttpResponse response;
    if (honoured_.count(form["refresh_token"]) == 0 ||
        fault == Fault::kRefused) {
      response.status = 400;
      response.body = R"({"code":1,"message":"The refresh token is bad."})";
      return response;
    }
    Used(form["refresh_token"]);
    const int number = ++grants_;
    const std::string refresh = absl::StrCat("pinr_", number);
    const std::string access = absl::StrCat("pina_", number);
    if (old_token == OldToken::kDiesAtOnce) {
      honoured_.erase(form["refresh_token"]);
    } else if (old_token == OldToken::kDiesWhenTheNewIsUsed) {
      replaces_[refresh] = form["refresh_token"];
      replaces_[access] = form["refresh_token"];
    }
    honoured_.insert(refresh);
    access_[access] = clock_->Now() + access_lifetime;
    pending = refresh;
    response.status = 200;
    response.body = absl::StrCat(
        R"({"access_token":")", access, R"(","refresh_token":")", refresh,
        R"(","token_type":"bearer","scope":"ads:read","expires_in":)",
        absl::ToInt64Seconds(access_lifetime),
        R"(,"refresh_token_expires_in":5184000})");
    if (fault == Fault::kLostAnswer || !steps_->Step()) {
      lost_answers++;
      return lost;
    }
    if (fault == Fault::kUnreadable) {
      lost_answers++;
      response.body.resize(response.body.size() / 2);
    }
    return response;
  }

  // A call of the API; whether the token was good.
  bool Use(const std::string& access_token) {
    absl::MutexLock lock(&mutex_);
    const auto found = access_.find(access_token);
    if (found == access_.end() || clock_->Now() >= found->second) return false;
    Used(access_token);
    return true;
  }

  // As after a login.
  std::string NewLogin() {
    absl::MutexLock lock(&mutex_);
    const std::string token = absl::StrCat("pinr_login", ++logins_);
    honoured_.insert(token);
    return token;
  }
  void RevokeAll() {
    absl::MutexLock lock(&mutex_);
    honoured_.clear();
  }
  bool Honours(const std::string& refresh_token) {
    absl::MutexLock lock(&mutex_);
    return honoured_.count(refresh_token) > 0;
  }
  std::vector<HttpRequest> requests() {
    absl::MutexLock lock(&mutex_);
    return requests_;
  }

  OldToken old_token = OldToken::kLives;
  Fault fault = Fault::kNone;
  int status = 200;
  absl::Duration access_lifetime = absl::Hours(30 * 24);
  // Before anything is done; without a lock.
  std::function<void()> on_request;
  // The newest refresh token given out, and how many answers never came.
  std::string pending;
  int lost_answers = 0;

 private:
  void Used(const std::string& token) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = replaces_.find(token);
    if (found != replaces_.end()) honoured_.erase(found->second);
  }

  StepCounter* const steps_;
  Clock* const clock_;
  absl::Mutex mutex_;
  std::vector<HttpRequest> requests_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> honoured_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> replaces_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Time> access_ ABSL_GUARDED_BY(mutex_);
  int grants_ ABSL_GUARDED_BY(mutex_) = 0;
  int logins_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A login with everything around it, in one process that can die.
class LoginWorld {
 public:
  explicit LoginWorld(uint64_t seed = 1)
      : random_(seed),
        files_(&steps_, &random_),
        endpoint_(&steps_, &clock_),
        directory_(absl::StrCat(getenv("TEST_TMPDIR"), "/login-XXXXXX")) {
    if (mkdtemp(directory_.data()) == nullptr) abort();
    WriteSecret("app-secret", "s3cr3t-of-the-app");
    OAuthClient::Options client;
    client.base_url = "https://api.pinterest.example/v5";
    client.transport = &endpoint_;
    client.clock = &clock_;
    client_ = *OAuthClient::Create(client);
    vault_ = std::make_unique<TokenVault>(&files_, "/tokens");
    Start();
  }

  void Start() {
    OAuthTokenSource::Options options;
    options.credential_id = "main";
    options.credentials_dir = directory_;
    options.client = client_.get();
    options.vault = vault_.get();
    options.clock = &clock_;
    options.random = &random_;
    options.observer = [this](const OAuthEvent& event) {
      events_.push_back(event);
    };
    source_ = std::make_unique<OAuthTokenSource>(std::move(options));
    source_->Configure(OAuthSettings{"1234", "app-secret", "refresh"});
  }

  // Kill and start again, or a power cut.
  void Restart(bool power_cut = false) {
    source_.reset();
    if (power_cut) files_.Crash();
    steps_ = StepCounter();
    Start();
  }

  void WriteSecret(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(directory_, "/", name);
    std::ofstream(path, std::ios::trunc) << content << "\n";
    chmod(path.c_str(), 0600);
  }

  // As "audiencectl login" does it.
  void LogIn() { WriteSecret("refresh", endpoint_.NewLogin()); }

  // What is on disk for certain; nothing when nothing is.
  std::optional<StoredTokens> Stored() {
    FakeFileOps durable(&no_steps_, &random_);
    const std::string content = files_.Durable("/tokens/main");
    if (content.empty()) return std::nullopt;
    if (!durable.Write("/tokens/main", content).ok()) return std::nullopt;
    auto tokens = TokenVault(&durable, "/tokens")
                      .Load("main", {"1234", "s3cr3t-of-the-app"});
    if (!tokens.ok()) return std::nullopt;
    return *std::move(tokens);
  }

  FakeClock& clock() { return clock_; }
  FakeRandom& random() { return random_; }
  StepCounter& steps() { return steps_; }
  FakeFileOps& files() { return files_; }
  FakeEndpoint& endpoint() { return endpoint_; }
  OAuthTokenSource& source() { return *source_; }
  std::vector<OAuthEvent>& events() { return events_; }
  int Requests() { return static_cast<int>(endpoint_.requests().size()); }

 private:
  FakeClock clock_;
  FakeRandom random_;
  StepCounter steps_;
  StepCounter no_steps_;
  FakeFileOps files_;
  FakeEndpoint endpoint_;
  std::string directory_;
  std::unique_ptr<OAuthClient> client_;
  std::unique_ptr<TokenVault> vault_;
  std::vector<OAuthEvent> events_;
  std::unique_ptr<OAuthTokenSource> source_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_LOGIN_WORLD_H_
