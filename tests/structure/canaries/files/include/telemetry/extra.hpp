#pragma once
class Extra {
  virtual void f() = 0;
};
