document.getElementById("autosubmit").submit();
