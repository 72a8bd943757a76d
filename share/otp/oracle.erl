%% Plays cases of supervisors on the supervisor of Erlang/OTP, and says what happened. Both formats are those of
%% docs/supervisors.md, "Cases". It needs OTP 24 or later; the package erlang-base of Debian has all of it.
%%
%%     escript oracle.erl [CASES_AT_A_TIME] <cases.txt >outputs.txt
%%
%% mm1 fuzz supervisors --against-otp keeps it running. Two lines between cases are for that: "release" is answered
%% with the release, and "run" with the outputs of the cases so far, then the line "done".
%%
%% A case has three kinds of processes beside those that it is about. The player applies the events. The book knows who
%% was started and what starts are to come to, and writes down what happens. A caller makes one call to a supervisor.
%%
%% What a case comes to must not depend on timing:
%%  - Supervisors are suspended while the events of a step are applied, and an event is not over before its message is
%%    in the mailbox of the supervisor that it concerns. So they find the messages in the order of the case.
%%  - A start is noted by the function that the supervisor starts the child with, an end comes as a trace message of
%%    the process that ends. Both have a number of erlang:unique_integer([monotonic]): sorted by it, causes stand
%%    before effects.
%%  - A step is over when each supervisor of the tree answers and nobody of its children is dead or waits for a
%%    restart, two times in a row.
-module(oracle).
-mode(compile).
-behaviour(supervisor).
-export([main/1, init/1, start_worker/3, start_supervisor/2]).

-record(member, {id, above, is_supervisor, keys}).
-record('case', {name, members = [], before = [], steps = []}).
%% kind: worker, supervisor, uniform (a supervisor that is simple_one_for_one)
-record(process, {pid, id, number = 0, above, kind, term}).
-record(book, {
    members,
    output = [], % lines, the latest first
    noted = [], % {number of its time, what}, not in the output yet
    plans = #{}, % id => what its next starts come to
    numbers = #{}, % id => how often it was started
    latest = #{}, % id => pid
    processes = #{}, % pid => #process{}
    opening = #{} % pid of a supervisor => {#process{}, how many of its first children are to be started}
}).

%% How long the oldest case at play may take.
limit_ms() -> 60000.

%% --- cases, one after the other ------------------------------------------------------------------------------------

main([]) -> main(["4"]);
main([AtATime]) ->
    ok = logger:set_primary_config(level, none),
    serve(list_to_integer(AtATime), []),
    erlang:halt(0, [{flush, true}]).

serve(AtATime, Cases) ->
    case read_words() of
        eof ->
            play_all(AtATime, lists:reverse(Cases));
        ["release"] ->
            io:put_chars(["release ", erlang:system_info(otp_release), "\n"]),
            serve(AtATime, Cases);
        ["run"] ->
            play_all(AtATime, lists:reverse(Cases)),
            io:put_chars("done\n"),
            serve(AtATime, []);
        ["case", Name] ->
            serve(AtATime, [read_case(#'case'{name = Name}) | Cases]);
        Words ->
            refuse(Words)
    end.

play_all(AtATime, Cases) ->
    {First, Later} = lists:split(min(AtATime, length(Cases)), Cases),
    print_all([begin_play(C) || C <- First], Later).

%% Always waits for the case that was begun first, so that outputs stand in the order of the cases.
print_all([], []) -> ok;
print_all([{Player, Monitor, Name} | Others], Later) ->
    receive
        {'DOWN', Monitor, process, Player, {played, Output}} ->
            io:put_chars(Output);
        {'DOWN', Monitor, process, Player, Why} ->
            io:format(standard_error, "oracle: case ~s: ~0p~n", [Name, Why]),
            io:put_chars(["case ", Name, "\nbroken\nend\n"])
    after limit_ms() ->
        exit(Player, kill),
        io:put_chars(["case ", Name, "\nstuck\nend\n"])
    end,
    case Later of
        [] -> print_all(Others, []);
        [Next | Rest] -> print_all(Others ++ [begin_play(Next)], Rest)
    end.

begin_play(#'case'{name = Name} = Case) ->
    {Player, Monitor} = spawn_monitor(fun() -> exit({played, play(Case)}) end),
    {Player, Monitor, Name}.

%% --- reading ---------------------------------------------------------------------------------------------------------

%% The words of the next line that has any.
read_words() ->
    case io:get_line("") of
        eof ->
            eof;
        {error, Why} ->
            refuse([io_lib:format("~0p", [Why])]);
        Line ->
            case string:lexemes(hd(string:split(Line, "#!")), " \t\r\n") of
                [] -> read_words();
                Words -> Words
            end
    end.

refuse(Words) ->
    io:format(standard_error, "oracle: not understood: ~0p~n", [Words]),
    erlang:halt(2, [{flush, true}]).

read_case(#'case'{members = Members, before = Before, steps = Steps} = C) ->
    case read_words() of
        ["sup", "root" | Keys] -> read_case(C#'case'{members = [member("root", none, true, Keys) | Members]});
        ["sup", Id, Above | Keys] -> read_case(C#'case'{members = [member(Id, Above, true, Keys) | Members]});
        ["child", Id, Above | Keys] -> read_case(C#'case'{members = [member(Id, Above, false, Keys) | Members]});
        ["pre" | Plan] -> read_case(C#'case'{before = [Plan | Before]});
        ["ev" | Event] -> read_case(C#'case'{steps = [{single, [Event]} | Steps]});
        ["batch"] -> read_case(C#'case'{steps = [{batch, read_batch()} | Steps]});
        ["end"] ->
            C#'case'{members = lists:reverse(Members), before = lists:reverse(Before), steps = lists:reverse(Steps)};
        Other -> refuse(Other)
    end.

read_batch() ->
    case read_words() of
        ["ev" | Event] -> [Event | read_batch()];
        ["commit"] -> [];
        Other -> refuse(Other)
    end.

member(Id, Above, IsSupervisor, Keys) ->
    Pairs = [list_to_tuple(string:split(Key, "=")) || Key <- Keys],
    #member{id = Id, above = Above, is_supervisor = IsSupervisor, keys = maps:from_list(Pairs)}.

value(Key, #member{keys = Keys}, Default) -> maps:get(Key, Keys, Default).

strategy(Member) -> list_to_atom(value("strategy", Member, "one_for_one")).

reason_of("shutdown:" ++ Text) -> {shutdown, list_to_atom(Text)};
reason_of(Word) -> list_to_atom(Word).

term_of("slow:" ++ Ms) -> {slow, list_to_integer(Ms)};
term_of(Word) -> list_to_atom(Word).

%% --- the book --------------------------------------------------------------------------------------------------------

%% Whoever asks waits, so that what is noted meanwhile lies between what it did before and what it does next.
ask(Book, Question) ->
    Monitor = monitor(process, Book),
    Book ! {ask, self(), Monitor, Question},
    receive
        {Monitor, Answer} ->
            demonitor(Monitor, [flush]),
            Answer;
        {'DOWN', Monitor, process, _, _} ->
            exit(case_over)
    end.

keep_book(Book) ->
    receive
        {ask, From, Tag, Question} ->
            {Answer, Next} = answer(Question, Book),
            From ! {Tag, Answer},
            keep_book(Next);
        {trace_ts, Pid, exit, Reason, {_, Time}} ->
            #{Pid := Process} = Book#book.processes,
            keep_book(note(Time, {stop, Process, Reason}, Book));
        {trace_ts, _, _, _, _} ->
            keep_book(Book);
        {trace_ts, _, _, _, _, _} ->
            keep_book(Book)
    end.

note(What, Book) -> note(erlang:unique_integer([monotonic]), What, Book).
note(Time, What, #book{noted = Noted} = Book) -> Book#book{noted = [{Time, What} | Noted]}.

%% Asked by those who start somebody.
answer({attempt, Id}, #book{plans = Plans} = Book) ->
    case maps:get(Id, Plans, []) of
        [] -> {run, Book};
        [What | Rest] -> {What, note_attempt(What, Id, Book#book{plans = Plans#{Id := Rest}})}
    end;
answer({failed, Id}, Book) ->
    {ok, note({fail, Id}, Book)};
answer({born, Process}, Book) ->
    {ok, add(Process, Book)};
answer({opens, Process, 0}, Book) ->
    {ok, add(Process, Book)};
answer({opens, #process{pid = Pid} = Process, Count}, #book{opening = Opening} = Book) ->
    {ok, Book#book{opening = Opening#{Pid => {Process, Count}}}};
answer({over, Supervisor}, #book{opening = Opening} = Book) ->
    case Opening of
        #{Supervisor := {Process, 1}} -> {ok, add(Process, Book#book{opening = maps:remove(Supervisor, Opening)})};
        #{Supervisor := {Process, N}} -> {ok, Book#book{opening = Opening#{Supervisor := {Process, N - 1}}}};
        #{} -> {ok, Book}
    end;
answer({family, Id}, #book{members = Members} = Book) ->
    {{find_member(Id, Members), [M || M <- Members, M#member.above =:= Id]}, Book};
%% Asked by the player.
answer({plan, Id, Count, What}, #book{plans = Plans} = Book) ->
    {ok, Book#book{plans = Plans#{Id => maps:get(Id, Plans, []) ++ lists:duplicate(Count, What)}}};
answer({latest, Id}, #book{latest = Latest, processes = Processes} = Book) ->
    {case Latest of #{Id := Pid} -> maps:get(Pid, Processes); #{} -> none end, Book};
answer({process, Pid}, #book{processes = Processes} = Book) ->
    {maps:get(Pid, Processes, none), Book};
answer(processes, #book{processes = Processes} = Book) ->
    {maps:values(Processes), Book};
answer({say, Line}, #book{output = Output} = Book) ->
    {ok, Book#book{output = [[Line, $\n] | Output]}};
answer({tell, How}, #book{noted = Noted, output = Output} = Book) ->
    InTime = [What || {_, What} <- lists:keysort(1, Noted)],
    Sorted = case How of
                 in_time -> sort_uniform(InTime, Book);
                 as_group -> sort_stops(InTime)
             end,
    {ok, Book#book{noted = [], output = lists:reverse([[noted(What), $\n] || What <- Sorted], Output)}};
answer(output, #book{output = Output} = Book) ->
    {lists:reverse(Output), Book}.

note_attempt(error, Id, Book) -> note({fail, Id}, Book);
note_attempt(ignore, Id, Book) -> note({ignore, Id}, Book);
note_attempt({die, _}, _, Book) -> Book.

add(#process{pid = Pid, id = Id} = Process, #book{numbers = Numbers, latest = Latest, processes = Ps} = Book) ->
    1 = erlang:trace(Pid, true, [procs, strict_monotonic_timestamp]),
    Number = maps:get(Id, Numbers, 0) + 1,
    Numbered = Process#process{number = Number},
    note({start, Numbered}, Book#book{numbers = Numbers#{Id => Number}, latest = Latest#{Id => Pid},
                                      processes = Ps#{Pid => Numbered}}).

find_member(Id, Members) -> lists:keyfind(Id, #member.id, Members).

%% A uniform supervisor stops its children all at once: neighbours among their ends are put in order.
sort_uniform([], _) -> [];
sort_uniform([{stop, #process{above = Above}, _} = First | Rest] = All, #book{processes = Processes} = Book) ->
    case Processes of
        #{Above := #process{kind = uniform}} ->
            {Run, Others} = lists:splitwith(fun({stop, P, _}) -> P#process.above =:= Above; (_) -> false end, All),
            sort_stops(Run) ++ sort_uniform(Others, Book);
        #{} ->
            [First | sort_uniform(Rest, Book)]
    end;
sort_uniform([Other | Rest], Book) -> [Other | sort_uniform(Rest, Book)].

sort_stops(Stops) ->
    [Stop || {_, Stop} <- lists:sort([{{P#process.id, P#process.number}, Stop} || {stop, P, _} = Stop <- Stops])].

%% --- words -----------------------------------------------------------------------------------------------------------

noted({start, Process}) -> ["start ", name(Process)];
noted({fail, Id}) -> ["startfail ", Id];
noted({ignore, Id}) -> ["startignore ", Id];
noted({stop, Process, Reason}) -> ["stop ", name(Process), " ", reason(Reason)].

name(none) -> "nobody";
name(#process{id = Id, number = Number}) -> [Id, "#", integer_to_list(Number)].

reason({shutdown, {failed_to_start_child, Id, Why}}) -> ["shutdown:failed_to_start_child:", Id, ":", reason(Why)];
reason({shutdown, Why}) -> ["shutdown:", reason(Why)];
reason({start_spec, {duplicate_child_name, Id}}) -> ["start_spec:duplicate_child_name:", Id];
reason({start_spec, {bad_combination, _}}) -> "start_spec:bad_combination";
reason(Word) when is_atom(Word) -> atom_to_list(Word);
reason(Other) -> [C || C <- lists:flatten(io_lib:format("~0p", [Other])), C =/= $\s, C =/= $\n].

%% An error comes with the record of the child when OTP made one for it.
error_words({already_started, Pid}, Book) -> ["already_started ", name(ask(Book, {process, Pid}))];
error_words({bad_combination, _}, _) -> "bad_combination";
error_words({Why, Child}, _) when element(1, Child) =:= child -> reason(Why);
error_words(Why, _) -> reason(Why).

children_words([{undefined, _, _, _} | _] = Children, Book) ->
    Names = lists:sort([lists:flatten(child_words(Child, Book)) || {_, Pid, _, _} = Child <- Children, is_pid(Pid)]),
    Waiting = [child_words(Child, Book) || {_, restarting, _, _} = Child <- Children],
    ["[", lists:join(" ", Names ++ Waiting), "]"];
children_words(Children, Book) ->
    ["[", lists:join(" ", [child_words(Child, Book) || Child <- Children]), "]"].

child_words({undefined, restarting, _, _}, _) -> "*=restarting";
child_words({Id, State, _, _}, _) when is_atom(State) -> [Id, "=", atom_to_list(State)];
child_words({undefined, Pid, _, _}, Book) ->
    Process = ask(Book, {process, Pid}),
    [Process#process.id, "=", name(Process)];
child_words({Id, Pid, _, _}, Book) -> [Id, "=", name(ask(Book, {process, Pid}))].

counts_words(Counts) ->
    lists:join(" ", [[atom_to_list(Key), "=", integer_to_list(proplists:get_value(Key, Counts))]
                     || Key <- [specs, active, supervisors, workers]]).

spec_words(#{restart := Restart, significant := Significant, shutdown := Shutdown, type := Type}) ->
    io_lib:format("restart=~w significant=~w shutdown=~w type=~w",
                  [Restart, case Significant of true -> 1; false -> 0 end, Shutdown, Type]).

%% What a call of the event that begins with Verb came to.
reply_words(_, {gone, Why}, _) -> ["exit ", reason(Why)];
reply_words(_, {answer, ok}, _) -> "ok";
reply_words(_, {answer, {error, Why}}, Book) -> ["error ", error_words(Why, Book)];
reply_words("childspec", {answer, {ok, Spec}}, _) -> spec_words(Spec);
reply_words(_, {answer, {ok, undefined}}, _) -> "ok undefined";
reply_words(_, {answer, {ok, Pid}}, Book) -> ["ok ", name(ask(Book, {process, Pid}))];
reply_words("which", {answer, Children}, Book) -> children_words(Children, Book);
reply_words("count", {answer, Counts}, _) -> counts_words(Counts).

%% --- processes of the tree -------------------------------------------------------------------------------------------

%% Runs in the supervisor. Of a uniform one, the last argument is the tag of start_child.
start_worker(Book, Term, Id) ->
    case ask(Book, {attempt, Id}) of
        error ->
            {error, boom};
        ignore ->
            ask(Book, {over, self()}),
            ignore;
        Plan ->
            Supervisor = self(),
            Pid = spawn_link(fun() -> begin_work(Supervisor, Term) end),
            receive {ready, Pid} -> ok end,
            ask(Book, {born, #process{pid = Pid, id = Id, above = Supervisor, kind = worker, term = Term}}),
            die_at_once(Plan, Pid),
            ask(Book, {over, Supervisor}),
            {ok, Pid}
    end.

die_at_once(run, _) -> ok;
die_at_once({die, Word}, Pid) ->
    leave(Pid, Word),
    until(fun() -> has_exit_of(Pid, messages_of(self())) end).

leave(Pid, "kill") -> exit(Pid, kill);
leave(Pid, "selfkill") -> Pid ! {leave, kill};
leave(Pid, Word) -> Pid ! {leave, reason_of(Word)}.

begin_work(Supervisor, Term) ->
    process_flag(trap_exit, Term =/= die),
    Supervisor ! {ready, self()},
    work(Supervisor, Term).

work(Supervisor, Term) ->
    receive
        {leave, Reason} -> exit(Reason);
        {'EXIT', Supervisor, Reason} -> end_as(Term, Reason)
    end,
    work(Supervisor, Term).

end_as(clean, Reason) -> exit(Reason);
end_as({slow, Ms}, Reason) -> timer:sleep(Ms), exit(Reason);
end_as(normal, _) -> exit(normal);
end_as(crash, _) -> exit(crash);
end_as(ignore, _) -> ok.

%% Runs in the supervisor above; of the root, in the player.
start_supervisor(Book, Id) ->
    case ask(Book, {attempt, Id}) of
        error ->
            {error, boom};
        ignore ->
            ask(Book, {over, self()}),
            ignore;
        run ->
            Result = supervisor:start_link(oracle, {Book, Id, self()}),
            ask(Book, case Result of {ok, _} -> {over, self()}; _ -> {failed, Id} end),
            Result
    end.

init({Book, Id, Above}) ->
    {Member, Below} = ask(Book, {family, Id}),
    Strategy = strategy(Member),
    Auto = list_to_atom(value("auto_shutdown", Member, "never")),
    Specs = [child_spec(Book, M, Strategy) || M <- Below],
    Process = #process{pid = self(), id = Id, above = Above, kind = supervisor},
    case Strategy of
        simple_one_for_one ->
            %% It starts nobody, so it is ready unless its template is refused.
            supervisor:check_childspecs(Specs, Auto) =:= ok andalso
                ask(Book, {opens, Process#process{kind = uniform}, 0});
        _ ->
            ask(Book, {opens, Process, length(Specs)})
    end,
    {ok, {#{strategy => Strategy, auto_shutdown => Auto,
            intensity => list_to_integer(value("intensity", Member, "1")),
            period => list_to_integer(value("period", Member, "5"))}, Specs}}.

child_spec(Book, #member{id = Id} = Member, Strategy) ->
    Term = term_of(value("term", Member, "die")),
    {Function, Arguments} = case {Member#member.is_supervisor, Strategy} of
                                {true, _} -> {start_supervisor, [Book, Id]};
                                {false, simple_one_for_one} -> {start_worker, [Book, Term]};
                                {false, _} -> {start_worker, [Book, Term, Id]}
                            end,
    #{id => Id, start => {oracle, Function, Arguments}, modules => [],
      restart => list_to_atom(value("restart", Member, "permanent")),
      significant => value("significant", Member, "0") =:= "1",
      type => list_to_atom(value("type", Member, "worker")),
      shutdown => case value("shutdown", Member, "5000") of
                      [Digit | _] = Ms when Digit >= $0, Digit =< $9 -> list_to_integer(Ms);
                      Word -> list_to_atom(Word)
                  end}.

%% --- waiting ---------------------------------------------------------------------------------------------------------

until(Condition) -> until(Condition, 200).
until(Condition, Spins) ->
    case Condition() of
        true -> ok;
        false when Spins > 0 -> erlang:yield(), until(Condition, Spins - 1);
        false -> timer:sleep(1), until(Condition, 0)
    end.

messages_of(Pid) ->
    case process_info(Pid, messages) of
        {messages, Messages} -> Messages;
        undefined -> gone
    end.

has_exit_of(_, gone) -> true;
has_exit_of(Pid, Messages) -> lists:any(fun({'EXIT', From, _}) -> From =:= Pid; (_) -> false end, Messages).

has_call_of(_, gone) -> true;
has_call_of(Pid, Messages) -> lists:any(fun({'$gen_call', {From, _}, _}) -> From =:= Pid; (_) -> false end, Messages).

%% It is in the mailbox of Supervisor that Pid has ended, or has sent it an exit signal.
await_exit_of(Pid, Supervisor) -> until(fun() -> has_exit_of(Pid, messages_of(Supervisor)) end).

await_end(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, process, Pid, _} -> ok end.

living(Book, Id) ->
    case ask(Book, {latest, Id}) of
        #process{pid = Pid} = Process ->
            case is_process_alive(Pid) of true -> Process; false -> none end;
        none -> none
    end.

all_living(Book) -> [P || #process{pid = Pid} = P <- ask(Book, processes), is_process_alive(Pid)].

living_supervisors(Book) -> [P || #process{kind = Kind} = P <- all_living(Book), Kind =/= worker].

rest(Book) -> rest(Book, 2).
rest(_, 0) -> ok;
rest(Book, Times) ->
    Calm = case living(Book, "root") of
               none -> true;
               #process{pid = Root} -> is_calm(Root, [P#process.pid || P <- living_supervisors(Book)])
           end,
    case Calm of
        true -> rest(Book, Times - 1);
        false -> erlang:yield(), rest(Book, 2)
    end.

is_calm(Supervisor, Supervisors) ->
    try supervisor:which_children(Supervisor) of
        Children -> lists:all(fun({_, State, _, _}) -> is_calm_child(State, Supervisors) end, Children)
    catch
        exit:_ -> false
    end.

is_calm_child(undefined, _) -> true;
is_calm_child(restarting, _) -> false;
is_calm_child(Pid, Supervisors) ->
    is_process_alive(Pid) andalso (not lists:member(Pid, Supervisors) orelse is_calm(Pid, Supervisors)).

%% --- playing ---------------------------------------------------------------------------------------------------------

play(#'case'{name = Name, members = Members, before = Before, steps = Steps}) ->
    process_flag(trap_exit, true),
    Book = spawn_link(fun() -> keep_book(#book{members = Members}) end),
    say(Book, ["case ", Name]),
    lists:foreach(fun(Plan) -> plan(Book, Plan) end, Before),
    Result = start_supervisor(Book, "root"),
    rest(Book),
    tell(Book, in_time),
    case Result of
        {ok, _} ->
            say(Book, "init ok"),
            lists:foreach(fun(Step) -> step(Book, Step) end, Steps),
            finish(Book);
        {error, Why} ->
            say(Book, ["init error ", reason(Why)]);
        ignore ->
            say(Book, "init ignore")
    end,
    say(Book, "end"),
    [exit(Pid, kill) || #process{pid = Pid} <- all_living(Book)],
    ask(Book, output).

say(Book, Line) -> ask(Book, {say, Line}).

echo(Book, Event) -> say(Book, ["ev ", lists:join(" ", Event)]).

%% All that happened so far comes into the output.
tell(Book, How) ->
    Mark = erlang:trace_delivered(all),
    receive {trace_delivered, all, Mark} -> ok end,
    ask(Book, {tell, How}).

plan(Book, ["failnext", Id, Count, What]) -> ask(Book, {plan, Id, list_to_integer(Count), list_to_atom(What)});
plan(Book, ["dienext", Id, Count, Word]) -> ask(Book, {plan, Id, list_to_integer(Count), {die, Word}}).

step(Book, {single, [["advance", Ms] = Event]}) ->
    echo(Book, Event),
    timer:sleep(list_to_integer(Ms));
step(Book, {Kind, Events}) ->
    Kind =:= batch andalso say(Book, "batch"),
    Frozen = [Pid || #process{pid = Pid} <- living_supervisors(Book)],
    [erlang:suspend_process(Pid) || Pid <- Frozen],
    Calls = lists:append([apply_event(Book, Event) || Event <- Events]),
    Kind =:= batch andalso say(Book, "commit"),
    [thaw(Pid) || Pid <- Frozen],
    rest(Book),
    tell(Book, in_time),
    lists:foreach(fun(Call) -> print_reply(Book, Call) end, Calls).

%% It may have ended, or been thawed, when a supervisor above it was killed.
thaw(Pid) -> catch erlang:resume_process(Pid).

%% Returns the calls that were made: one or none.
apply_event(Book, [Verb | _] = Event) when Verb =:= "failnext"; Verb =:= "dienext" ->
    echo(Book, Event),
    plan(Book, Event),
    [];
apply_event(Book, ["exit", Id, Word] = Event) ->
    apply_exit(Book, Event, living(Book, Id), Word, stranger);
apply_event(Book, ["sup_exit", Word] = Event) ->
    apply_exit(Book, Event, living(Book, "root"), Word, parent);
apply_event(Book, [Verb, Id | Arguments] = Event) ->
    echo(Book, Event),
    case living(Book, Id) of
        none -> [{Verb, noproc}];
        #process{pid = Pid} -> [{Verb, call(Pid, call_of(Book, Verb, Id, Pid, Arguments))}]
    end.

apply_exit(Book, Event, none, _, _) ->
    echo(Book, Event ++ ["(noproc)"]),
    [];
apply_exit(Book, Event, #process{kind = worker, pid = Pid, above = Above}, Word, _) ->
    echo(Book, Event),
    leave(Pid, Word),
    await_end(Pid),
    await_exit_of(Pid, Above),
    [];
apply_exit(Book, Event, Supervisor, "kill", _) ->
    echo(Book, Event),
    kill_supervisor(Book, Supervisor),
    [];
apply_exit(Book, Event, #process{pid = Pid}, Word, From) ->
    echo(Book, Event),
    Signal = fun() -> exit(Pid, reason_of(Word)) end,
    Sender = case From of
                 parent -> Signal(), self();
                 stranger -> spawn(Signal)
             end,
    await_exit_of(Sender, Pid),
    [].

%% Supervisors below it are thawed, because they are to stop what is theirs; all others stay as they are.
kill_supervisor(Book, #process{pid = Pid, above = Above}) ->
    tell(Book, in_time),
    Below = all_below([Pid], all_living(Book)),
    [thaw(P) || #process{pid = P, kind = Kind} <- Below, Kind =/= worker],
    exit(Pid, kill),
    await_end(Pid),
    [await_end(P) || #process{pid = P} = Process <- Below, not outlives(Process, Pid)],
    Above =:= self() orelse await_exit_of(Pid, Above),
    tell(Book, as_group).

all_below(Pids, Living) ->
    case [P || #process{above = Above} = P <- Living, lists:member(Above, Pids)] of
        [] -> [];
        Below -> Below ++ all_below([Pid || #process{pid = Pid} <- Below], Living)
    end.

outlives(#process{term = Term, above = Above}, Killed) -> Term =:= ignore andalso Above =:= Killed.

%% --- calls -----------------------------------------------------------------------------------------------------------

call_of(Book, "start_child", Id, Pid, [Child | Keys]) ->
    Argument = case strategy_of(Book, Id) of
                   simple_one_for_one -> [Child];
                   Strategy -> child_spec(Book, member(Child, Id, false, Keys), Strategy)
               end,
    fun() -> supervisor:start_child(Pid, Argument) end;
call_of(Book, "terminate_child", Id, Pid, [Child]) ->
    Target = target(Book, Id, Child),
    fun() -> supervisor:terminate_child(Pid, Target) end;
call_of(Book, "childspec", Id, Pid, [Child]) ->
    Target = target(Book, Id, Child),
    fun() -> supervisor:get_childspec(Pid, Target) end;
call_of(_, "delete_child", _, Pid, [Child]) -> fun() -> supervisor:delete_child(Pid, Child) end;
call_of(_, "restart_child", _, Pid, [Child]) -> fun() -> supervisor:restart_child(Pid, Child) end;
call_of(_, "which", _, Pid, []) -> fun() -> supervisor:which_children(Pid) end;
call_of(_, "count", _, Pid, []) -> fun() -> supervisor:count_children(Pid) end.

strategy_of(Book, Id) ->
    {Member, _} = ask(Book, {family, Id}),
    strategy(Member).

%% A uniform supervisor knows its children by their pids.
target(Book, Id, Child) ->
    case strategy_of(Book, Id) =:= simple_one_for_one andalso ask(Book, {latest, Child}) of
        #process{pid = Pid} -> Pid;
        _ -> Child
    end.

%% Returns when the call is in the mailbox.
call(Supervisor, Call) ->
    {Caller, Monitor} =
        spawn_monitor(fun() ->
                          Result = try {answer, Call()} catch exit:{Why, {gen_server, call, _}} -> {gone, Why} end,
                          exit({result, Result})
                      end),
    until(fun() -> has_call_of(Caller, messages_of(Supervisor)) end),
    Monitor.

print_reply(Book, {_, noproc}) ->
    say(Book, "reply exit noproc");
print_reply(Book, {Verb, Monitor}) ->
    receive
        {'DOWN', Monitor, process, _, {result, Result}} ->
            say(Book, ["reply ", reply_words(Verb, Result, Book)])
    end.

%% --- the end ---------------------------------------------------------------------------------------------------------

finish(Book) ->
    say(Book, "final"),
    case living(Book, "root") of
        none ->
            say(Book, "dead");
        Root ->
            report(Book, Root),
            step(Book, {single, [["sup_exit", "shutdown"]]})
    end,
    [say(Book, ["orphan ", Id]) || Id <- lists:sort([P#process.id || P <- all_living(Book)])].

report(Book, #process{id = Id, pid = Pid, kind = Kind}) ->
    Children = supervisor:which_children(Pid),
    say(Book, ["which ", Id, " ", children_words(Children, Book)]),
    say(Book, ["count ", Id, " ", counts_words(supervisor:count_children(Pid))]),
    Below = [ask(Book, {process, Child}) || {_, Child, _, _} <- lists:reverse(Children), is_pid(Child)],
    [report(Book, P) || P <- Below, Kind =:= supervisor, P#process.kind =/= worker].
