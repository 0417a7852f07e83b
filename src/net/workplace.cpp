// One workplace for each io_context, and one for each other executor's use.
#include "net/workplace.hpp"

#include <boost/asio/query.hpp>

#include "net/clock.hpp"
#include "net/loop_end.hpp"

namespace adieu::net {
namespace {

class plain_workplace final : public boost::asio::execution_context::service {
 public:
  using key_type = plain_workplace;
  static boost::asio::execution_context::id id;

  explicit plain_workplace(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context),
        place_(std::make_shared<const workplace>(
            static_cast<boost::asio::io_context&>(context).get_executor())) {}

  [[nodiscard]] const workplace_ptr& place() const noexcept { return place_; }

 private:
  void shutdown() override {}

  workplace_ptr place_;
};

boost::asio::execution_context::id plain_workplace::id;

}  // namespace

workplace::workplace(const boost::asio::any_io_executor& on)
    : executor(on),
      plain(executor.target<plain_executor>()),
      clock(clock_service::of(executor)),
      loop(loop_end::of(executor)) {}

workplace_ptr workplace::of(const boost::asio::any_io_executor& executor) {
  if (const auto* const plain = executor.target<plain_executor>()) {
    return boost::asio::use_service<plain_workplace>(plain->context()).place();
  }
  return std::make_shared<const workplace>(executor);
}

}  // namespace adieu::net
