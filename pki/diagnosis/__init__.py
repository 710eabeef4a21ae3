"""Why a call is refused: what API Gateway and the functions check, replayed one by one."""
